import type { FibResult } from '../path/fib.js';
import { decideRoute, type RoutingState } from '../path/routing.js';
import { forwards } from '../path/sysctls.js';
import { routingState } from '../path/world.js';
import { describeRule } from '../reasoning/policy-routing.js';
import type { PolicyRule, Provenance, Route, RouteAnswer, Routed, Snapshot } from '../types.js';

/**
 * The rule, route or sysctls behind a routing decision. The kernel tells only what it decided: the lines are the model's, and are told only where
 * the model decides as the kernel does.
 */
export function routeGrounds(snapshot: Snapshot | undefined, { question, answer }: Routed): Provenance[] {
  const state = routingState(snapshot);
  if (!state || !answer) return [];
  const decision = decideRoute(state, question);
  if (!decision.answer || !agrees(decision.answer, answer)) return [];
  if (answer.type !== 'error') return lookedUp(decision.result);
  if (answer.error === 'invalid-source') return question.iif === undefined ? [] : validation(state, question.iif);
  const isOff = question.iif !== undefined && decision.result.found === 'route' && !forwards(state.sysctls, question.iif, 4);
  return isOff ? sysctls(state, ['net/ipv4/ip_forward', `net/ipv4/conf/${question.iif}/forwarding`]) : lookedUp(decision.result);
}

function agrees(model: RouteAnswer, kernel: RouteAnswer): boolean {
  if (model.type === 'error') return kernel.type === 'error' && model.error === kernel.error;
  if (model.type === 'unicast') return kernel.type === 'unicast' && model.link === kernel.link && model.via === kernel.via;
  return model.type === kernel.type;
}

function lookedUp(result: FibResult): Provenance[] {
  if (result.found === 'nothing' || result.found === 'unknown') return [];
  const { rule, route } = result;
  return [...(isUsual(rule) ? [] : [ruleLine(rule)]), ...(route ? [routeLine(route)] : [])];
}

/** The kernel's own rules are on every host and say nothing. */
function isUsual({ priority }: PolicyRule): boolean {
  return priority === 0 || priority >= 32_766;
}

function ruleLine(rule: PolicyRule): Provenance {
  return { what: describeRule(rule), source: `${ip(rule.family)} rule show` };
}

function routeLine(route: Route): Provenance {
  const hop = route.nextHops[0];
  const words = [
    ...(route.type === 'unicast' ? [] : [route.type]),
    route.to,
    ...(hop?.via === undefined ? [] : ['via', hop.via]),
    ...(hop?.link === undefined ? [] : ['dev', hop.link]),
  ];
  return { what: words.join(' '), source: `${ip(route.family)} route show table ${route.table}` };
}

function ip(family: 4 | 6): string {
  return family === 6 ? 'ip -6' : 'ip';
}

/** What fib_validate_source() reads, as far as it is not the usual value. */
function validation(state: RoutingState, link: string): Provenance[] {
  const paths = ['rp_filter', 'src_valid_mark', 'accept_local'].flatMap((name) =>
    ['all', link].map((place) => `net/ipv4/conf/${place}/${name}`),
  );
  return sysctls(
    state,
    paths.filter((path) => path.endsWith('/rp_filter') || (state.sysctls[path] ?? '0') !== '0'),
  );
}

function sysctls(state: RoutingState, paths: readonly string[]): Provenance[] {
  return paths.flatMap((path) => {
    const value = state.sysctls[path];
    return value === undefined ? [] : [{ what: value, source: `/proc/sys/${path}` }];
  });
}
