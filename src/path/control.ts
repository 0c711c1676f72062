import { overlap } from '../net/prefix.js';
import type { Packet, Snapshot } from '../types.js';
import { rewriteOnEgress, rewriteOnIngress, type TcRewrite } from './traffic-control.js';
import type { Trail } from './trail.js';
import { connectedPrefixes, factOf } from './world.js';

/** A packet may be sent round between links by redirects; the kernel gives up after four (MIRRED_NEST_LIMIT). */
const mostRedirects = 4;

/** Takes the packet through the tc filters of a link. Returns it as they leave it; a drop, a doubt or another link is a step of its own. */
export function passControl(trail: Trail, side: 'ingress' | 'egress', redirects = 0): { packet: Packet; by?: string } {
  const control = factOf(trail.snapshot, 'trafficControl');
  const link = side === 'ingress' ? trail.in : trail.out;
  const { packet } = trail;
  if (!control || link === undefined) return { packet };
  const result = (side === 'ingress' ? rewriteOnIngress : rewriteOnEgress)(control, link, packet);
  if (result === 'none') return { packet };
  const source = `tc filter show dev ${link}${side === 'ingress' ? ' ingress' : ''}`;
  if ('redirect' in result) return redirected(trail, side, result, source, redirects);
  if ('packet' in result) return { packet: result.packet, by: result.by.text };
  if ('dropped' in result) {
    const by = [{ what: result.dropped.text, source }];
    const did = `a tc filter on ${link} ${result.why ?? 'drops it'}`;
    trail.add({ place: side, code: 'firewall-dropped', did, by, outcome: 'broken' });
  } else {
    const did = `a tc filter on ${link} cannot be evaluated: ${result.unknown.text}`;
    trail.add({ place: side, code: 'unknown', did, by: [{ what: result.unknown.text, source }], outcome: 'unknown' });
  }
  return { packet };
}

type Redirected = Extract<TcRewrite, { redirect: unknown }>;

/** mirred sends the frame as it is: out of another link it bears a link address of the first one's segment, which nobody has on the other. */
function redirected(
  trail: Trail,
  side: 'ingress' | 'egress',
  { redirect: { to, side: into }, packet, by }: Redirected,
  source: string,
  redirects: number,
): { packet: Packet; by?: string } {
  const link = (side === 'ingress' ? trail.in : trail.out) ?? '';
  const note = { place: side, by: [{ what: by.text, source }] };
  const target = factOf(trail.snapshot, 'links')?.find(({ name }) => name === to);
  // ifb gives what it has queued back to the link that it came from (ifb_ri_tasklet()).
  if (target?.kind === 'ifb') return packet === trail.packet ? { packet } : { packet, by: by.text };
  if (side === 'ingress' && into === 'ingress' && target?.up && redirects < mostRedirects) {
    trail.in = to;
    trail.add({ ...note, code: 'redirected', did: `a tc filter on ${link} lets it come in on ${to}` });
    trail.packet = packet;
    return passControl(trail, side, redirects + 1);
  }
  if (into === 'egress' && isApart(trail.snapshot, link, to)) {
    const did = `a tc filter on ${link} sends it out on ${to}, where nobody has the link address that it bears`;
    trail.add({ ...note, code: 'firewall-dropped', did, outcome: 'broken' });
  } else
    trail.add({ ...note, code: 'unknown', did: `a tc filter on ${link} sends it to ${to}, which is not followed`, outcome: 'unknown' });
  return { packet };
}

/** Two cards (or ends of veth pairs) on different segments; what shares frames with others is neither. */
function isApart(snapshot: Snapshot | undefined, one: string, other: string): boolean {
  const links = factOf(snapshot, 'links') ?? [];
  const cards = [one, other].map((wanted) => links.find(({ name }) => name === wanted));
  const isCard = cards.every(
    (link) => link?.mac !== undefined && link.master === undefined && (link.kind === undefined || link.kind === 'veth'),
  );
  const near = [4, 6] as const;
  const prefixesOf = (name: string) =>
    near.flatMap((family) =>
      connectedPrefixes(snapshot, family)
        .filter(({ link }) => link === name)
        .map(({ prefix }) => prefix),
    );
  const [mine, theirs] = [prefixesOf(one), prefixesOf(other)];
  return (
    isCard &&
    one !== other &&
    other !== 'lo' &&
    mine.length > 0 &&
    theirs.length > 0 &&
    !mine.some((a) => theirs.some((b) => overlap(a, b)))
  );
}
