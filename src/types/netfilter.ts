import type { Family } from './routing.js';

/** Who a table came from. The two iptables back ends and nft keep separate tables that all see the packet. */
export type FirewallSource = 'iptables-legacy' | 'iptables-nft' | 'nft';

/** iptables, ip6tables and nft in one shape, so that one evaluator serves all. */
export interface FirewallTable {
  source: FirewallSource;
  /** `inet` sees both IPv4 and IPv6. */
  family: 'ip' | 'ip6' | 'inet' | 'netdev' | 'bridge' | 'arp';
  name: string;
  chains: readonly FirewallChain[];
  /** Named sets and maps: set name → elements. A set that could not be read is absent. */
  sets: Readonly<Record<string, readonly SetElement[]>>;
}

export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress';

export interface FirewallChain {
  name: string;
  base?: { hook: Hook; priority: number; type: 'filter' | 'nat' | 'route'; devices?: readonly string[] };
  policy?: 'accept' | 'drop';
  /** Packets that came to the end of the chain; iptables counts them, nft does not. */
  policyPackets?: number;
  rules: readonly FirewallRule[];
}

export interface FirewallRule {
  /** As the tool printed it (iptables-save syntax, or nft's), without counters. */
  text: string;
  handle?: number;
  packets?: number;
  /** Left to right: the first match that fails ends the rule; an action takes effect when it is reached. */
  steps: readonly (FirewallMatch | FirewallAction)[];
}

/** An inclusive range of addresses in text form; a single address has both ends equal, a prefix is its first and last address. */
export type AddressRange = readonly [string, string];
export type PortRange = readonly [number, number];
export type ConnectionState = 'new' | 'established' | 'related' | 'invalid' | 'untracked' | 'snat' | 'dnat';

/** One element of a set: an address range, a port range, or a concatenation of them in the order of the set's type; `value` for maps. */
export interface SetElement {
  key: readonly (AddressRange | PortRange | string)[];
  value?: string;
}

export type FirewallMatch =
  | { match: 'address'; side: 'source' | 'destination'; not: boolean; among: readonly AddressRange[] }
  /** Implies TCP, UDP or SCTP when `ipProtocols` is absent. Later fragments never match. */
  | { match: 'port'; side: 'source' | 'destination' | 'either'; not: boolean; among: readonly PortRange[]; ipProtocols?: readonly number[] }
  | { match: 'protocol'; not: boolean; among: readonly number[] }
  | { match: 'family'; not: boolean; family: Family }
  /** A trailing `*` matches any rest. */
  | { match: 'interface'; side: 'in' | 'out'; not: boolean; among: readonly string[] }
  | { match: 'mark'; of: 'packet' | 'connection'; not: boolean; value: number; mask: number }
  | { match: 'state'; not: boolean; among: readonly ConnectionState[] }
  /** Address type by the routing tables: local, unicast, broadcast, multicast … (lower case). */
  | { match: 'address-type'; side: 'source' | 'destination'; not: boolean; among: readonly string[] }
  /** A socket on this host would take the packet; with `transparent` only one that set IP_TRANSPARENT. */
  | { match: 'socket'; transparent: boolean; not: boolean }
  /** TCP flags: (flags & mask) == value, as bits of the TCP header (SYN 2, ACK 16, RST 4, FIN 1). */
  | { match: 'tcp-flags'; not: boolean; mask: number; value: number }
  /** `mark`: the look-up uses the packet's mark (rpfilter --validmark, nft `fib saddr . mark`); without it mark 0. */
  | { match: 'reverse-path'; not: boolean; loose: boolean; mark?: true }
  /** A piece of a datagram behind its first: it carries no ports. */
  | { match: 'later-fragment'; not: boolean }
  /** A lookup in a named set; `fields` in the order of the set's type. */
  | { match: 'set'; not: boolean; set: string; fields: readonly SetField[] }
  | { match: 'unknown'; text: string };

export type SetField =
  | 'source-address'
  | 'destination-address'
  | 'source-port'
  | 'destination-port'
  | 'protocol'
  | 'in-interface'
  | 'out-interface'
  | 'mark'
  | 'other';

export type FirewallAction =
  | { do: 'accept' }
  | { do: 'drop' }
  | { do: 'return' }
  | { do: 'reject'; with?: string }
  | { do: 'jump'; chain: string }
  | { do: 'goto'; chain: string }
  /** mark = (mark & ~mask) ^ value: the xmark form covers set, or, and, xor. */
  | { do: 'mark'; value: number; mask: number }
  /** The same on the connection's mark. */
  | { do: 'connection-mark'; value: number; mask: number }
  | { do: 'save-mark'; mask: number }
  | { do: 'restore-mark'; mask: number }
  | { do: 'notrack' }
  | { do: 'snat'; to?: string }
  | { do: 'masquerade' }
  | { do: 'dnat'; to?: string }
  | { do: 'redirect' }
  | { do: 'tproxy'; to?: string; port?: number; mark?: { value: number; mask: number } }
  /** Stateless rewrite (nft `ip saddr set …`, tc has its own type). `map`: old address → new address. */
  | {
      do: 'rewrite';
      field: 'source-address' | 'destination-address' | 'source-port' | 'destination-port';
      to?: string;
      map?: Readonly<Record<string, string>>;
    }
  /** Logs, counters, comments: no effect on the packet's way. */
  | { do: 'nothing'; text: string }
  | { do: 'unknown'; text: string };
