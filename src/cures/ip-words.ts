import type { Family, NextHop, PolicyRule, Route } from '../types.js';
import { commandLine } from './shell.js';

type Words = readonly (string | number)[];

/** A command of iproute2 for one family. */
export function ip(family: Family, ...args: Words): string {
  return commandLine('ip', ...(family === 6 ? ['-6'] : []), ...args);
}

export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function option(name: string, value: string | number | undefined): Words {
  return value === undefined ? [] : [name, value];
}

function range([low, high]: readonly [number, number]): string {
  return low === high ? String(low) : `${low}-${high}`;
}

const protocols: ReadonlyMap<number, string> = new Map([
  [6, 'tcp'],
  [17, 'udp'],
]);

/** A policy rule in the words of ip-rule(8): all its selectors, so that the rule that is typed is the one that was tested. */
export function ruleWords(rule: PolicyRule): Words {
  const mask = rule.mask === undefined || rule.mask === 0xffffffff ? '' : `/${hex(rule.mask)}`;
  return [
    ...(rule.not ? ['not'] : []),
    ...option('from', rule.from),
    ...option('to', rule.to),
    ...option('iif', rule.iif),
    ...option('oif', rule.oif),
    ...option('tos', rule.tos && hex(rule.tos)),
    ...option('ipproto', rule.ipProtocol && (protocols.get(rule.ipProtocol) ?? rule.ipProtocol)),
    ...option('sport', rule.sourcePort && range(rule.sourcePort)),
    ...option('dport', rule.destinationPort && range(rule.destinationPort)),
    ...option('fwmark', rule.mark === undefined ? undefined : `${hex(rule.mark)}${mask}`),
    'lookup',
    rule.table ?? 'main',
    ...option('suppress_prefixlength', rule.suppressPrefixLength),
    'priority',
    rule.priority,
  ];
}

/** The words of the command that adds a rule. */
export function addedRule(rule: PolicyRule): string[] {
  return ['ip', ...(rule.family === 6 ? ['-6'] : []), 'rule', 'add', ...ruleWords(rule).map(String)];
}

/** The words of the command that adds a route. */
export function addedRoute(route: Route): string[] {
  return ['ip', ...(route.family === 6 ? ['-6'] : []), 'route', 'add', ...routeWords(route).map(String)];
}

/** A route in the words of ip-route(8): with them it comes back as it was. */
export function routeWords(route: Route): Words {
  const { family, type, to, nextHops, table, metric } = route;
  const [hop, ...others] = nextHops;
  return [
    ...(type === 'unicast' ? [] : [type]),
    to,
    ...option('from', route.from),
    ...option('tos', route.tos && hex(route.tos)),
    ...(hop && others.length === 0 ? hopWords(family, hop) : []),
    ...(table === 'main' ? [] : ['table', table]),
    ...option('src', route.source),
    ...(isUsual(family, metric) ? [] : ['metric', metric]),
    ...(route.scope === undefined || route.scope === usualScope(route) ? [] : ['scope', route.scope]),
    ...(route.attributes ?? []),
    ...(others.length > 0 ? nextHops.flatMap((each) => ['nexthop', ...hopWords(family, each), ...option('weight', each.weight)]) : []),
  ];
}

function hopWords(family: Family, { via, link, onlink }: NextHop): Words {
  const gateway = family === 4 && via?.includes(':') ? ['inet6', via] : [via ?? ''];
  return [...(via === undefined ? [] : ['via', ...gateway]), ...option('dev', link), ...(onlink ? ['onlink'] : [])];
}

/** IP6_RT_PRIO_USER in include/net/ip6_fib.h is what a route of IPv6 gets when none is said. */
function isUsual(family: Family, metric: number): boolean {
  return metric === (family === 6 ? 1024 : 0) || metric === 0;
}

/** What iproute2 sends where none is said (iproute_modify()). */
function usualScope({ type, nextHops }: Route): string {
  if (type === 'local') return 'host';
  if (type === 'broadcast' || type === 'multicast' || type === 'anycast') return 'link';
  return type === 'unicast' && nextHops.every(({ via }) => via === undefined) ? 'link' : 'global';
}
