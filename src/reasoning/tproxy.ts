import type { ChainPlace } from '../cures/firewall-rules.js';
import type { Case, FirewallRule, Walk } from '../types.js';
import { baseChains } from './dropped.js';

export interface TproxyRule extends ChainPlace {
  rule: FirewallRule;
}

/** The TPROXY rule of nginx's host that names the port on which a service listens: one for clients' requests, not for replies. */
export function findTproxy(c: Case, { service, upstream, steps }: Walk): TproxyRule | undefined {
  const request = steps[0]?.packet;
  const listens = service.listeners.map(({ port }) => port);
  if (!request) return undefined;
  return baseChains(c.snapshots.get(service.host), 'prerouting', request.family)
    .flatMap(({ table }) => table.chains.flatMap((chain) => chain.rules.map((rule) => ({ table, chain, rule }))))
    .find(({ rule }) => isTproxy(rule) && listens.some((port) => asksFor(rule, port)) && !namesSource(rule, upstream.port));
}

export function isTproxy({ steps }: FirewallRule): boolean {
  return steps.some((step) => 'do' in step && step.do === 'tproxy');
}

function asksFor({ steps }: FirewallRule, port: number): boolean {
  return steps.some(
    (step) =>
      'match' in step &&
      step.match === 'port' &&
      step.side === 'destination' &&
      !step.not &&
      step.among.some(([low, high]) => low <= port && port <= high),
  );
}

function namesSource({ steps }: FirewallRule, port: number): boolean {
  return steps.some(
    (step) =>
      'match' in step &&
      step.match === 'port' &&
      step.side !== 'destination' &&
      step.among.some(([low, high]) => low <= port && port <= high),
  );
}
