import type { FirewallChain, FirewallRule, FirewallTable, PolicyRule, Route, TcFilter } from '../types.js';
import { hex } from './ip-words.js';
import { sysctlName } from './sysctl.js';

/** A piece of the running kernel's network state. */
export type Piece =
  | { kind: 'policy-rule'; rule: PolicyRule }
  | { kind: 'route'; route: Route }
  | { kind: 'firewall'; table: FirewallTable; chain: FirewallChain; rule: FirewallRule }
  | { kind: 'traffic-control'; filter: TcFilter }
  | { kind: 'sysctl'; change: ChangedSysctl };

/** A sysctl whose value will be another after a boot. */
export interface ChangedSysctl {
  key: string;
  now: string;
  then: string;
  /** What sets it; absent for the kernel's own default. */
  at?: { path: string; line?: number };
}

/** A piece as a person knows it. */
export function pieceText(piece: Piece): string {
  switch (piece.kind) {
    case 'policy-rule': {
      const { rule } = piece;
      const selects = [rule.mark === undefined ? '' : `fwmark ${hex(rule.mark)}`, rule.from === undefined ? '' : `from ${rule.from}`];
      return `the IPv${rule.family} policy rule ${[...selects.filter((text) => text !== ''), `lookup ${rule.table ?? 'main'}`].join(' ')} (priority ${rule.priority})`;
    }
    case 'route': {
      const { type, to, table, nextHops } = piece.route;
      const via = nextHops[0]?.via;
      return `the ${type === 'unicast' ? '' : `${type} `}route to ${to}${via === undefined ? '' : ` via ${via}`} in table ${table}`;
    }
    case 'firewall':
      return `the rule "${piece.rule.text}" of table ${piece.table.family} ${piece.table.name}`;
    case 'traffic-control':
      return `the tc filter "${piece.filter.text}" on ${piece.filter.link}`;
    case 'sysctl':
      return `${sysctlName(piece.change.key)} = ${piece.change.now}`;
  }
}

/** What shows a piece as it is now. */
export function pieceSource(piece: Piece): string {
  switch (piece.kind) {
    case 'policy-rule':
      return `ip -${piece.rule.family} rule show`;
    case 'route':
      return `ip -${piece.route.family} route show table ${piece.route.table}`;
    case 'firewall':
      return piece.table.source === 'nft'
        ? 'nft list ruleset'
        : `${piece.table.family === 'ip6' ? piece.table.source.replace('iptables', 'ip6tables') : piece.table.source}-save`;
    case 'traffic-control':
      return `tc filter show dev ${piece.filter.link}`;
    case 'sysctl':
      return `/proc/sys/${piece.change.key}`;
  }
}
