import { addressText } from '../packets/text.js';
import type { PatternStep, TracePattern } from '../types.js';
import type { Joiner } from './joiner.js';
import { isError, Kind } from './marks.js';
import type { FoundPattern } from './pattern.js';
import type { Sighting } from './sighting.js';

/** A pattern in the words of a report, with the addresses of its example. */
export function tellPattern(pattern: FoundPattern, joiner: Joiner, offsetOf: (host: string, at: number) => number): TracePattern {
  const { endpoints } = joiner;
  const first = pattern.sightings[0];
  const start = first === undefined ? 0 : first.after - offsetOf(first.host, pattern.at);
  const path = pattern.sightings.map((sighting, n) => {
    const step = tellSighting(sighting, pattern.sightings[n - 1], pattern, joiner);
    return { ...step, afterUs: Math.round(sighting.after - offsetOf(sighting.host, pattern.at) - start) };
  });
  return {
    count: pattern.count,
    end: pattern.judgement.end,
    path,
    ...(pattern.judgement.vanishedAfter === undefined ? {} : { vanishedAfter: pattern.judgement.vanishedAfter }),
    ...(pattern.judgement.last === undefined ? {} : { endsAt: pattern.sightings.indexOf(pattern.judgement.last) }),
    ...(pattern.service?.id === undefined ? {} : { service: pattern.service.id }),
    ...(pattern.upstream === 0 ? {} : { upstream: endpoints.addressOf(pattern.upstream) }),
  };
}

function tellSighting(s: Sighting, before: Sighting | undefined, { client, family }: FoundPattern, joiner: Joiner): PatternStep {
  const { endpoints } = joiner;
  const server = end(endpoints.addressOf(s.endpoint), endpoints.portOf(s.endpoint));
  const asker = end(s.other === 0 || isError(s.kind) ? addressText(client, family) : endpoints.addressOf(s.other), s.port);
  const from = fromServer.has(s.kind);
  const note = [wordsOf(s, joiner), changeOf(s, before, joiner), s.times > 1 ? `${s.times} times` : ''].filter(Boolean).join(', ');
  return {
    host: s.host,
    iface: s.iface,
    // Where nothing tells the direction it is taken for incoming: nobody's sending is blamed then.
    dir: s.dir === 'out' ? 'out' : 'in',
    src: from ? server : asker,
    dst: from ? asker : server,
    note,
    leg: s.leg,
  };
}

const end = (address: string, port: number): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

const fromServer: ReadonlySet<Kind> = new Set([
  Kind.datagramFrom,
  Kind.synAck,
  Kind.dataFrom,
  Kind.failureFrom,
  Kind.resetFrom,
  Kind.fragmentFrom,
  Kind.finFrom,
  Kind.errorAboutFrom,
]);

const words: Readonly<Record<Kind, string>> = {
  [Kind.datagramTo]: 'request',
  [Kind.datagramFrom]: 'reply',
  [Kind.syn]: 'SYN',
  [Kind.synAck]: 'SYN-ACK',
  [Kind.dataTo]: 'request',
  [Kind.dataFrom]: 'reply',
  [Kind.failureFrom]: 'reply with status 500 or more',
  [Kind.resetTo]: 'RST',
  [Kind.resetFrom]: 'RST',
  [Kind.errorAboutTo]: 'ICMP error',
  [Kind.errorAboutFrom]: 'ICMP error',
  [Kind.fragmentTo]: 'later fragment',
  [Kind.fragmentFrom]: 'later fragment',
  [Kind.finFrom]: 'closed without an answer',
};

function wordsOf(s: Sighting, { endpoints }: Joiner): string {
  if (!isError(s.kind)) return words[s.kind];
  return `ICMP type ${s.detail >> 8} code ${s.detail & 255} from ${endpoints.addressOf(s.other)} about this packet`;
}

/** What a packet has become since it was seen before. */
function changeOf(s: Sighting, before: Sighting | undefined, { endpoints }: Joiner): string {
  if (s.leg === 'forward' && s.other !== 0 && before?.other !== s.other && !isError(s.kind))
    return `source is ${endpoints.addressOf(s.other)}, not the client`;
  if (!before || before.kind !== s.kind || before.endpoint === s.endpoint || !fromServer.has(s.kind)) return '';
  if (before.leg !== 'reply' || s.leg !== 'answer' || s.kind === Kind.dataFrom) return '';
  return `source rewritten from ${endpoints.addressOf(before.endpoint)}`;
}
