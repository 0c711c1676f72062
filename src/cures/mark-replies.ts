import { compareAddresses } from '../net/address.js';
import type { Cure, Family, Packet, Snapshot } from '../types.js';
import { combine } from './combine.js';
import { type FrontEnd, frontEndOf } from './front-end.js';
import { addIptablesRule } from './iptables.js';
import { addNftRules } from './nft.js';
import { hex } from './routing.js';

/** Replies that one rule can mark: same family, protocol and source port, from these upstreams. */
interface Bundle {
  family: Family;
  protocol: number;
  port: number;
  sources: string[];
}

const why = 'marked replies can be sent to the local table';

/**
 * Ways to mark the upstreams' replies, the best first. The socket match also covers ICMP errors and future upstreams, but on a
 * host that forwards DSR replies it would pull those into nginx, so it is left out there.
 */
export function markReplies(snapshot: Snapshot, replies: readonly Packet[], mark: number, options: { socketMatch: boolean }): Cure[] {
  const bundles = bundle(replies);
  const frontEnd = frontEndOf(snapshot);
  if (frontEnd === 'nft')
    return [
      combine(
        snapshot.host,
        bundles.map((entry) => markWithNft(snapshot, entry, mark)),
      ),
    ];
  const add = (words: (entry: Bundle) => string[], at: 'end' | 'start') =>
    combine(
      snapshot.host,
      bundles.map((entry) => addMark(snapshot, frontEnd, entry.family, words(entry), mark, at)),
    );
  const families = [...new Set(bundles.map(({ family }) => family))];
  const bySocket = combine(
    snapshot.host,
    families.map((family) => addMark(snapshot, frontEnd, family, ['-m', 'socket', '--transparent'], mark, 'end')),
  );
  return [...(options.socketMatch ? [bySocket] : []), add(byAddress, 'end'), add(byAddress, 'start')];
}

/**
 * Marks ICMP errors about nginx's own connections: the socket match looks at the packet that an error quotes, so errors about others
 * go on as before.
 */
export function markErrors(snapshot: Snapshot, family: Family, mark: number): Cure {
  const frontEnd = frontEndOf(snapshot);
  const protocol = family === 4 ? 'icmp' : 'ipv6-icmp';
  const reason = 'nginx then hears what upstreams and routers have against its packets';
  if (frontEnd !== 'nft') {
    const words = ['-p', protocol, '-m', 'socket', '--transparent'];
    return addMark(snapshot, frontEnd, family, words, mark, 'end', reason);
  }
  return addNftRules(snapshot, {
    family: family === 4 ? 'ip' : 'ip6',
    table: 'transparent_errors',
    why: reason,
    chains: [
      {
        name: 'mark',
        base: { hook: 'prerouting', priority: -150, type: 'filter' },
        rules: [
          {
            text: `meta l4proto ${protocol} socket transparent 1 meta mark set ${hex(mark)}`,
            steps: [
              { match: 'protocol', not: false, among: [family === 4 ? 1 : 58] },
              { match: 'socket', transparent: true, not: false },
              { do: 'mark', value: mark, mask: 0xffffffff },
            ],
          },
        ],
      },
    ],
  });
}

function bundle(replies: readonly Packet[]): Bundle[] {
  const bundles = new Map<string, Bundle>();
  for (const { family, protocol, source, sourcePort = 0 } of replies) {
    const key = `${family} ${protocol} ${sourcePort}`;
    const entry = bundles.get(key) ?? { family, protocol, port: sourcePort, sources: [] };
    if (!entry.sources.includes(source)) entry.sources.push(source);
    bundles.set(key, entry);
  }
  return [...bundles.values()].map((entry) => ({ ...entry, sources: entry.sources.sort(compareAddresses) }));
}

function protocolName(protocol: number): 'tcp' | 'udp' {
  return protocol === 17 ? 'udp' : 'tcp';
}

function byAddress({ protocol, port, sources }: Bundle): string[] {
  const name = protocolName(protocol);
  return ['-s', sources.join(','), '-p', name, '-m', name, '--sport', String(port)];
}

function addMark(
  snapshot: Snapshot,
  frontEnd: Exclude<FrontEnd, 'nft'>,
  family: Family,
  words: readonly string[],
  mark: number,
  at: 'end' | 'start',
  reason = why,
): Cure {
  const target = ['-j', 'MARK', '--set-xmark', `${hex(mark)}/0xffffffff`];
  return addIptablesRule(snapshot, {
    frontEnd,
    family,
    table: 'mangle',
    chain: 'PREROUTING',
    words: [...words, ...target],
    at,
    why: reason,
  });
}

function markWithNft(snapshot: Snapshot, { family, protocol, port, sources }: Bundle, mark: number): Cure {
  const ip = family === 4 ? 'ip' : 'ip6';
  const text = `${ip} saddr { ${sources.join(', ')} } ${protocolName(protocol)} sport ${port} meta mark set ${hex(mark)}`;
  return addNftRules(snapshot, {
    family: ip,
    table: 'transparent_proxy',
    why,
    chains: [
      {
        name: `mark_${protocolName(protocol)}_${port}`,
        base: { hook: 'prerouting', priority: -150, type: 'filter' },
        rules: [
          {
            text,
            steps: [
              { match: 'address', side: 'source', not: false, among: sources.map((source) => [source, source] as const) },
              { match: 'port', side: 'source', not: false, among: [[port, port]], ipProtocols: [protocol] },
              { do: 'mark', value: mark, mask: 0xffffffff },
            ],
          },
        ],
      },
    ],
  });
}
