import { sameAddress } from '../net/address.js';
import type { Case, PatternStep, TracePattern, Walk } from '../types.js';

/** The address of `address`, `address:port` or `[address]:port`. */
export function addressIn(endpoint: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(endpoint) ?? [];
  return bracketed ?? plain ?? endpoint;
}

/** The sighting that ended a transaction. */
export function lastOf({ path, vanishedAfter, endsAt }: TracePattern): PatternStep | undefined {
  if (endsAt !== undefined) return path[endsAt];
  if (vanishedAfter === undefined) return path.at(-1);
  return path.findLast(({ host, iface }) => host === vanishedAfter.host && iface === vanishedAfter.iface);
}

/** Who asked, as the sightings tell. */
export function clientOf({ path }: TracePattern): string | undefined {
  const first = path.find(({ leg }) => leg === 'request') ?? path[0];
  if (first === undefined) return undefined;
  return addressIn(first.leg === 'reply' || first.leg === 'answer' ? first.dst : first.src);
}

/** A predicted walk has no leg of its own for the way from a rewriting host to the client. */
export function legOf({ leg }: PatternStep): Walk['steps'][number]['leg'] | undefined {
  return leg === 'answer' ? 'reply' : leg;
}

/** The predictions that a pattern is held against: of its service and upstream, and of its very client where there are such. */
export function walksOf(c: Pick<Case, 'walks'>, pattern: TracePattern): Walk[] {
  const walks = c.walks.filter(
    ({ service, upstream }) =>
      service.id === pattern.service && (pattern.upstream === undefined || sameAddress(upstream.address, pattern.upstream)),
  );
  const client = clientOf(pattern);
  const own = walks.filter((walk) => sameAddress(walk.client, client));
  return own.length > 0 ? own : walks;
}

/** `192.168.99.50:41234 → 172.16.0.11:80 (SYN)`. */
export function describePacket({ src, dst, note }: PatternStep): string {
  return `${src} → ${dst}${note === undefined || note === '' ? '' : ` (${note})`}`;
}

/** A piece of a datagram behind its first, as the joining of packets notes it. */
export function isLaterFragment({ note = '' }: PatternStep): boolean {
  return note === 'later fragment' || note.startsWith('later fragment,');
}

/** Where a packet was captured, as the source of evidence. */
export function captureAt({ host, iface }: Pick<PatternStep, 'host' | 'iface'>): string {
  return `capture ${host}/${iface}`;
}
