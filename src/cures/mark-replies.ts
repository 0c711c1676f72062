import { compareAddresses } from '../net/address.js';
import { factOf } from '../path/world.js';
import type { Cure, Family, FirewallRule, Packet, Snapshot } from '../types.js';
import { protocolName } from './admission.js';
import { combine } from './combine.js';
import { isOfFirewalld } from './firewall-manager.js';
import { type FrontEnd, frontEndOf } from './front-end.js';
import { hex } from './ip-words.js';
import { addIptablesRule } from './iptables.js';
import { addNftRules } from './nft.js';

/** Replies that one rule can mark: same family, protocol and source port, from these upstreams. */
interface Bundle {
  family: Family;
  protocol: number;
  port: number;
  sources: string[];
}

const why = 'marked replies can be sent to the local table';

/** Where iptables has its mangle table, and the place behind what firewalld drops in prerouting. */
const early = -150;
const late = 20;

/**
 * Ways to mark the upstreams' replies, the best first. The socket match also covers ICMP errors and future upstreams, but on a
 * host that forwards DSR replies it would pull those into nginx, so it is left out there.
 */
export function markReplies(snapshot: Snapshot, replies: readonly Packet[], mark: number, options: { socketMatch: boolean }): Cure[] {
  const bundles = bundle(replies);
  const frontEnd = frontEndOf(snapshot);
  // IPv6_rpfilter looks for the way back with the mark, and would find that to nginx.
  const behind = factOf(snapshot, 'nft')?.some((table) => isOfFirewalld(snapshot, table))
    ? [markWithNft(snapshot, bundles, mark, late)]
    : [];
  if (frontEnd === 'nft') return [markWithNft(snapshot, bundles, mark, early), ...behind];
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
  return [...(options.socketMatch ? [bySocket] : []), add(byAddress, 'end'), add(byAddress, 'start'), ...behind];
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
    family: nftFamily(family),
    table: 'transparent_errors',
    why: reason,
    chains: [
      {
        name: 'mark',
        base: { hook: 'prerouting', priority: early, type: 'filter' },
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

/** One table for each family, so that undo takes each away once. */
function markWithNft(snapshot: Snapshot, bundles: readonly Bundle[], mark: number, priority: number): Cure {
  const families = [...new Set(bundles.map(({ family }) => family))];
  const added = families.map((family) =>
    addNftRules(snapshot, {
      family: nftFamily(family),
      table: 'transparent_proxy',
      why,
      chains: [
        {
          name: 'mark_replies',
          base: { hook: 'prerouting', priority, type: 'filter' },
          rules: bundles.filter((entry) => entry.family === family).map((entry) => nftMark(entry, mark)),
        },
      ],
    }),
  );
  return combine(snapshot.host, added);
}

function nftFamily(family: Family): 'ip' | 'ip6' {
  return family === 4 ? 'ip' : 'ip6';
}

function nftMark({ family, protocol, port, sources }: Bundle, mark: number): FirewallRule {
  return {
    text: `${nftFamily(family)} saddr { ${sources.join(', ')} } ${protocolName(protocol)} sport ${port} meta mark set ${hex(mark)}`,
    steps: [
      { match: 'address', side: 'source', not: false, among: sources.map((source) => [source, source] as const) },
      { match: 'port', side: 'source', not: false, among: [[port, port]], ipProtocols: [protocol] },
      { do: 'mark', value: mark, mask: 0xffffffff },
    ],
  };
}
