import type { ConnectionState, FirewallChain, FirewallRule, FirewallTable, Hook, Packet } from '../../types.js';

/** What the rules may ask beyond the packet's own header. */
export interface FirewallContext {
  in?: string;
  out?: string;
  /** Undefined: cannot be known. */
  state?: ConnectionState | undefined;
  /** Connection mark on entry to this hook. Undefined: 0 for a connection's first packet at its first hook, else not known. */
  connectionMark?: number | undefined;
  /** Routing type of an address: `local`, `unicast`, `broadcast` …; undefined when not known. */
  addressType(address: string): string | undefined;
  /** Would a socket of this host take the packet? */
  socket: 'transparent' | 'plain' | 'none' | 'unknown';
  /** Whether the packet's source is routed back (loose: anywhere; strict: out of the interface it came in on), looked up with `mark`. */
  reversePath?(loose: boolean, mark: number, by: 'fib' | 'rpfilter'): boolean | undefined;
  /** Whether a rule of this host may have translated the connection's source or destination. Absent: not known. */
  mayTranslate?(end: 'snat' | 'dnat'): boolean;
  /** nat chains are consulted only for the first packet of a connection. */
  firstOfConnection: boolean;
}

export interface Touched {
  table: FirewallTable;
  chain: FirewallChain;
  /** Absent for a chain's policy. */
  rule?: FirewallRule;
}

export interface Nat {
  kind: 'snat' | 'masquerade' | 'dnat' | 'redirect';
  to?: string;
}

export interface Tproxy {
  to?: string;
  port?: number;
}

/** One way in which the packet may stand at one point of the rules. */
export interface State {
  packet: Packet;
  tracked: boolean;
  connectionMark: number | undefined;
  nat?: Nat;
  tproxy?: Tproxy;
  touched: readonly (Touched & { rule: FirewallRule })[];
  /** The first rule whose effect could not be told and that parted this state from others. */
  unknownBecause?: FirewallRule;
  /** Set once states had to be given up: what is left is not all. */
  truncated?: true;
}

/** All that a match can look at. */
export interface Sight {
  state: State;
  context: FirewallContext;
  /** The empty string where the hook has no such interface, undefined where it is not known. */
  interface(side: 'in' | 'out'): string | undefined;
  connectionState(): ConnectionState | undefined;
}

/** Connection tracking looks at packets at this priority (NF_IP_PRI_CONNTRACK) in prerouting and output. */
const conntrackPriority = -200;

/** Whether a chain runs before connection tracking has seen the packet: only there can NOTRACK take effect. */
export function beforeTracking(hook: Hook, priority: number): boolean {
  return hook === 'ingress' || ((hook === 'prerouting' || hook === 'output') && priority < conntrackPriority);
}

export function sightOf(state: State, context: FirewallContext, hook: Hook, early: boolean): Sight {
  return {
    state,
    context,
    interface: (side) => interfaceAt(hook, side, context),
    connectionState: () => {
      if (!state.tracked) return 'untracked';
      // Without an entry attached both nft_ct and xt_conntrack say INVALID.
      return early ? 'invalid' : context.state;
    },
  };
}

const hooksWithIn = new Set<Hook>(['prerouting', 'input', 'forward', 'ingress', 'postrouting']);
const hooksWithOut = new Set<Hook>(['forward', 'output', 'postrouting', 'egress']);

function interfaceAt(hook: Hook, side: 'in' | 'out', context: FirewallContext): string | undefined {
  if (!(side === 'in' ? hooksWithIn : hooksWithOut).has(hook)) return '';
  // A packet made here has none in postrouting; for a forwarded one kernels before 5.7 hide it.
  if (hook === 'postrouting' && side === 'in') return context.in === undefined ? '' : undefined;
  return context[side];
}

/** States with the same key are indistinguishable for everything that follows. */
export function keyOf({ packet, tracked, connectionMark, nat, tproxy }: State): string {
  const { mark, source, destination, sourcePort, destinationPort } = packet;
  const translated = nat || tproxy ? JSON.stringify([nat, tproxy]) : '';
  return `${mark} ${connectionMark} ${tracked} ${source} ${sourcePort} ${destination} ${destinationPort} ${translated}`;
}
