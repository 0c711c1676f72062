import { familyOf, sameAddress } from '../net/address.js';
import { contains } from '../net/prefix.js';
import type { Facts, Family, NextHop, RouteAnswer, RouteQuestion } from '../types.js';
import { type FibResult, type FlowKey, hasCustomRules, lookup } from './fib.js';
import { martian } from './martians.js';
import {
  acceptsLocalSource,
  forwards,
  ignoresRoutesWithoutCarrier,
  reversePathFilter,
  sendsRedirects,
  validatesSourceByMark,
} from './sysctls.js';

export type RoutingState = Pick<Facts, 'policyRules' | 'routes' | 'addresses' | 'links' | 'sysctls'>;

/** What the model says, with the rule and route that decided, for the reader of the report. */
export interface RouteDecision {
  /** Undefined where a rule with a selector that is not evaluated stands in the way, or where the kernel may answer one or the other. */
  answer: RouteAnswer | undefined;
  /** Every answer that the kernel may give: of several next hops it takes one by a hash of the flow. Empty where none can be told. */
  possible: readonly RouteAnswer[];
  result: FibResult;
}

/**
 * The kernel's routing decision for one packet, computed from facts: the same question that `ip route get` answers.
 * For an incoming packet this is ip_route_input_slow() with fib_validate_source(), for a local one ip_route_output_key().
 */
export function decideRoute(state: RoutingState, question: RouteQuestion): RouteDecision {
  const seen = withoutIgnored(state);
  return question.iif === undefined ? decideOutput(seen, question) : decideInput(seen, question, question.iif);
}

/** The routes as IPv4 sees them where `ignore_routes_with_linkdown` is set: next hops without carrier are as good as dead (fib_lookup_good_nhc()). */
function withoutIgnored(state: RoutingState): RoutingState {
  const isIgnored = ({ linkdown, link }: NextHop) =>
    linkdown === true && link !== undefined && ignoresRoutesWithoutCarrier(state.sysctls, link);
  if (!state.routes.some(({ family, nextHops }) => family === 4 && nextHops.some(isIgnored))) return state;
  const routes = state.routes.map((route) =>
    route.family === 4 ? { ...route, nextHops: route.nextHops.map((hop) => (isIgnored(hop) ? { ...hop, dead: true } : hop)) } : route,
  );
  return { ...state, routes };
}

function flowKey(question: RouteQuestion, iif: string): FlowKey {
  const { to, from, mark = 0, ...rest } = question;
  return { ...rest, family: familyOf(to) ?? 4, to, ...(from === undefined ? {} : { from }), iif, mark };
}

function decideOutput(state: RoutingState, question: RouteQuestion): RouteDecision {
  const result = lookup(state, flowKey(question, 'lo'));
  return decision(result, answersOf(result));
}

function decision(result: FibResult, answers: readonly RouteAnswer[]): RouteDecision {
  const possible = [...new Map(answers.map((answer) => [JSON.stringify(answer), answer])).values()];
  return { result, possible, answer: possible.length > 1 ? undefined : possible[0] };
}

/** One for each next hop. */
function answersOf(result: FibResult): RouteAnswer[] {
  if (result.found === 'unknown') return [];
  if (result.found === 'refusal') return [{ type: 'error', error: 'refused', text: result.route?.type ?? result.rule.action }];
  if (result.found !== 'route') return [{ type: 'error', error: 'no-route', text: 'Network is unreachable' }];
  const { route, hops } = result;
  if (route.type === 'local' || route.type === 'anycast') return [{ type: 'local', table: route.table }];
  if (route.type === 'broadcast' || route.type === 'multicast') return [{ type: route.type }];
  return hops.map((hop) => ({
    type: 'unicast',
    link: hop.link ?? '',
    ...(hop.via === undefined ? {} : { via: hop.via }),
    ...(route.source === undefined ? {} : { source: route.source }),
    table: route.table,
  }));
}

/** IPv6 neither validates sources nor looks at forwarding here: that is ip6_forward()'s, behind the decision. */
function decideInput(state: RoutingState, question: RouteQuestion, iif: string): RouteDecision {
  const key = flowKey(question, iif);
  const result = lookup(state, key);
  const why = key.family === 4 ? martian(state.sysctls, iif, key.to, key.from) : undefined;
  if (why !== undefined) return decision(result, [{ type: 'error', error: 'invalid-source', text: why }]);
  const answers = answersOf(result);
  return decision(result, key.family === 6 ? answers : answers.map((answer) => validated(state, key, answer)));
}

/** What becomes of an answer for an IPv4 packet that comes in: forwarding may be off, or its source refused. */
function validated(state: RoutingState, key: FlowKey, answer: RouteAnswer): RouteAnswer {
  // The kernel looks at the destination first: with forwarding off even a martian source reads "No route to host".
  if (answer.type !== 'local' && answer.type !== 'broadcast' && !forwards(state.sysctls, key.iif, 4)) return noRoute;
  if (answer.type === 'error' || key.from === undefined) return answer;
  const sent = answer.type === 'broadcast' ? { ...key, to: '0.0.0.0' } : key;
  const verdict = validateSource(state, { ...sent, from: key.from }, answer.type === 'unicast' ? answer.link : undefined);
  return verdict.valid ? answer : { type: 'error', error: 'invalid-source', text: verdict.why };
}

const noRoute: RouteAnswer = { type: 'error', error: 'no-route', text: 'No route to host' };

export type SourceVerdict =
  | { valid: true }
  | { valid: false; why: string; reason: 'martian' | 'marked-martian' | 'strict' | 'loose'; result?: FibResult };

/** fib_validate_source() in net/ipv4/fib_frontend.c: would a packet with this source be let in on `key.iif`? IPv4 only; IPv6 has no such check. */
export function validateSource(state: RoutingState, key: FlowKey & { from: string }, out?: string): SourceVerdict {
  const link = key.iif;
  const filter = reversePathFilter(state.sysctls, link);
  const accepts = acceptsLocalSource(state.sysctls, link);
  // What would be sent back on the same link is looked up for the redirect that it may earn.
  const redirects = link === out && sendsRedirects(state.sysctls, link);
  if (filter === 0 && !redirects) {
    if (accepts) return { valid: true };
    if (!hasCustomRules(state.policyRules, 4) && !state.routes.some(isCustomLocalRoute(state))) {
      const own = state.addresses.some((entry) => entry.family === 4 && sameAddress(entry.address, key.from));
      return own ? { valid: false, reason: 'martian', why: `${key.from} is an address of this host` } : { valid: true };
    }
  }
  return reverseLookup(state, key, filter, accepts, out);
}

/** __fib_validate_source(): the way back to the source, looked up with the packet's mark only under src_valid_mark. */
function reverseLookup(
  state: RoutingState,
  key: FlowKey & { from: string },
  filter: number,
  accepts: boolean,
  out?: string,
): SourceVerdict {
  const byMark = validatesSourceByMark(state.sysctls, key.iif);
  const back: FlowKey = {
    family: 4,
    to: key.from,
    from: key.to,
    iif: out ?? 'lo',
    mark: byMark ? key.mark : 0,
    ...(key.tos ? { tos: key.tos } : {}),
    ...flowBack(state, key),
  };
  const result = lookup(state, back);
  const unreachable: SourceVerdict = { valid: false, reason: 'loose', why: `no route back to ${key.from}`, result };
  if (result.found === 'nothing' || result.found === 'refusal') return filter > 0 ? unreachable : { valid: true };
  if (result.found === 'unknown') return { valid: true };
  const { route } = result;
  if (route.type !== 'unicast' && !(route.type === 'local' && accepts)) {
    const reason = byMark && key.mark !== 0 ? 'marked-martian' : 'martian';
    return { valid: false, reason, why: `the way back to ${key.from} is ${route.type} (table ${route.table})`, result };
  }
  if (route.nextHops.some((hop) => hop.link === key.iif)) return { valid: true };
  const hasAddress = state.addresses.some((entry) => entry.family === 4 && entry.link === key.iif);
  if (!hasAddress) return filter > 0 ? unreachable : { valid: true };
  if (filter === 1)
    return {
      valid: false,
      reason: 'strict',
      why: `the way back to ${key.from} is ${result.hop.link ?? 'another link'}, not ${key.iif}`,
      result,
    };
  return { valid: true };
}

/** Protocol and swapped ports, which the kernel only reads when a rule for incoming packets asks: fib_rule_requires_fldissect(). */
function flowBack(state: RoutingState, key: FlowKey): Pick<FlowKey, 'ipProtocol' | 'sourcePort' | 'destinationPort'> {
  const { ipProtocol, sourcePort, destinationPort } = key;
  const reads = state.policyRules.some(
    (rule) => rule.family === 4 && rule.iif !== 'lo' && (rule.ipProtocol ?? rule.sourcePort ?? rule.destinationPort) !== undefined,
  );
  if (!reads) return {};
  return {
    ...(ipProtocol === undefined ? {} : { ipProtocol }),
    ...(destinationPort === undefined ? {} : { sourcePort: destinationPort }),
    ...(sourcePort === undefined ? {} : { destinationPort: sourcePort }),
  };
}

/** A local route that no address brought along: somebody added it (inet_rtm_newroute() sets fib_has_custom_local_routes). */
function isCustomLocalRoute(state: RoutingState) {
  const own = (to: string) => state.addresses.some((entry) => contains(entry.address, to));
  return (route: RoutingState['routes'][number]): boolean =>
    route.family === 4 && route.type === 'local' && (route.table !== 'local' || !(own(route.to) || contains('127.0.0.0/8', route.to)));
}

export function familyOfQuestion(question: RouteQuestion): Family {
  return familyOf(question.to) ?? 4;
}
