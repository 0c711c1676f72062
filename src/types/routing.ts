export type Family = 4 | 6;

/** A link as `ip link` tells it. */
export interface Link {
  name: string;
  index: number;
  /** Administratively up. */
  up: boolean;
  /** `operstate`: UP, DOWN, UNKNOWN … */
  state: string;
  mtu: number;
  mac?: string;
  kind?: string;
  /** Bridge or bond this link belongs to. */
  master?: string;
}

export interface Address {
  link: string;
  family: Family;
  /** Without prefix length. */
  address: string;
  prefixLength: number;
  scope: string;
}

export interface Neighbour {
  address: string;
  link: string;
  mac?: string;
  /** NUD states: REACHABLE, STALE, FAILED, PERMANENT … */
  states: readonly string[];
}

/** A routing-policy rule, `ip rule`. An absent selector matches everything. */
export interface PolicyRule {
  family: Family;
  priority: number;
  not?: boolean;
  from?: string;
  to?: string;
  /** `iif lo` means: locally generated. */
  iif?: string;
  oif?: string;
  mark?: number;
  /** 0xffffffff when absent and `mark` is set. */
  mask?: number;
  ipProtocol?: number;
  sourcePort?: readonly [number, number];
  destinationPort?: readonly [number, number];
  /** Type of service, 1 to 255: IPv4 compares three of its bits, IPv6 all six of the DSCP. */
  tos?: number;
  suppressPrefixLength?: number;
  /** Selectors that this model does not evaluate (uidrange, tun_id …), as printed. */
  other?: string;
  action: 'table' | 'blackhole' | 'unreachable' | 'prohibit' | 'goto' | 'nop' | 'other';
  /** Table number, or the name where iproute2 knows only a name; `main`, `local`, `default` are always names. */
  table?: string;
  goto?: number;
}

export interface NextHop {
  link?: string;
  via?: string;
  weight?: number;
  /** The gateway need not be in a subnet of the link. */
  onlink?: true;
  /** Its link is down; the kernel never uses it. */
  dead?: boolean;
  /** Its link has no carrier; whether that matters is for `ignore_routes_with_linkdown` to say. */
  linkdown?: boolean;
}

export type RouteType =
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit'
  | 'throw'
  | 'other';

export interface Route {
  family: Family;
  type: RouteType;
  /** Prefix with length, also for hosts and default: `0.0.0.0/0`. */
  to: string;
  table: string;
  nextHops: readonly NextHop[];
  /** IPv4: only packets of this type of service. */
  tos?: number;
  /** IPv6: only packets from this prefix. */
  from?: string;
  /** Preferred source. */
  source?: string;
  metric: number;
  scope?: string;
  /** Words of ip-route(8) for what decides nothing here: who made it, the path's MTU … */
  attributes?: readonly string[];
}

/** What the kernel is asked: `ip route get TO [from FROM] [iif IIF] [mark MARK]`. */
export interface RouteQuestion {
  to: string;
  from?: string;
  /** Present for a packet that comes in; absent for one made here. */
  iif?: string;
  mark?: number;
  ipProtocol?: number;
  sourcePort?: number;
  destinationPort?: number;
  /** Type of service; 0 when absent, as in what nginx and most others send. */
  tos?: number;
}

export type RouteAnswer =
  | { type: 'local'; table?: string }
  | { type: 'unicast'; link: string; via?: string; source?: string; table?: string }
  | { type: 'broadcast' | 'multicast' }
  /** `no-route`: nothing matches (or not local while forwarding is off); `invalid-source`: source validation; `refused`: blackhole, prohibit, unreachable. */
  | { type: 'error'; error: 'no-route' | 'invalid-source' | 'refused'; text: string };

export interface RecordedRoute {
  question: RouteQuestion;
  answer: RouteAnswer;
}

/** `tc qdisc` and `tc filter`, as far as rewrites need them. */
export interface TrafficControl {
  qdiscs: readonly Qdisc[];
  filters: readonly TcFilter[];
}

export interface Qdisc {
  link: string;
  kind: string;
  /** `10:`; for clsact and ingress `ffff:`. */
  handle: string;
  parent?: string;
}

export interface TcFilter {
  link: string;
  /** `10:`, `ingress`, `egress` (clsact) … */
  parent: string;
  /** ip, ipv6, all … */
  protocol: string;
  priority: number;
  kind: string;
  /** Names this one among those of its priority: `800::801` of u32, `0x1` of others. Absent where it was not printed. */
  handle?: string;
  /** Undefined when the match could not be read; an empty object matches everything. */
  match?: TcMatch;
  actions: readonly TcAction[];
  packets?: number;
  text: string;
}

export interface TcMatch {
  /** flower's eth_type, for which its filter's protocol may be `all`. */
  family?: 4 | 6 | 'neither';
  source?: string;
  destination?: string;
  ipProtocol?: number;
  sourcePort?: { value: number; mask: number };
  destinationPort?: { value: number; mask: number };
}

/** `verdict`: the verdict behind it, as tc prints it; `pipe` goes on to the next action of the filter. Absent where it was not printed. */
export type TcAction = { verdict?: string } /** `old` is a prefix; `new` replaces its network bits and keeps the host bits. */ & (
  | { kind: 'nat'; direction: 'ingress' | 'egress'; old: string; new: string; packets?: number }
  /** pedit, of addresses and ports only. */
  | { kind: 'edit'; edits: readonly TcEdit[] }
  /** skbedit: the bits of `mask` become those of `value`. */
  | { kind: 'mark'; value: number; mask: number }
  /** mirred: out of another link, or in by it. */
  | { kind: 'redirect'; to: string; side: 'ingress' | 'egress' }
  | { kind: 'other'; name: string }
);

/** A field of IPv4 or of ports: the bits of `keep` stay, then those of `flip` are turned (tcf_pedit_act()). */
export interface TcEdit {
  field: 'source' | 'destination' | 'sourcePort' | 'destinationPort';
  keep: number;
  flip: number;
}
