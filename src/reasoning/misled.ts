import { lookup } from '../path/fib.js';
import { decideRoute } from '../path/routing.js';
import { owns, routingState } from '../path/world.js';
import type { Case, Route } from '../types.js';
import { type Broken, brokenBy } from './broken.js';

/** What nginx's host sends to a client, its own answers and the DSR replies that it forwards, and another host does not pass on. */
export function misled(c: Case): (Broken & { at: string })[] {
  return brokenBy(c, 'not-forwarded', 'no-route')
    .filter(({ walk, step }) => step.host !== walk.service.host && (step.leg === 'answer' || isForwardedReply({ walk, step })))
    .map((broken) => ({ ...broken, at: isNoRouter(c, broken) ? broken.walk.service.host : broken.step.host }));
}

function isForwardedReply({ walk: { service, steps }, step }: Broken): boolean {
  const passed = steps.some(({ leg, host, code }) => leg === 'reply' && host === service.host && code === 'forwarded');
  return service.mode.startsWith('dsr') && step.leg === 'reply' && passed;
}

/** Nobody means an upstream to be a router, nor a host that would send the packet back where it came from: the route that leads there is wrong. */
function isNoRouter(c: Case, { walk: { service }, step }: Broken): boolean {
  const snapshot = c.snapshots.get(step.host);
  if (service.upstreams.some(({ address }) => address !== undefined && owns(snapshot, address))) return true;
  const state = routingState(snapshot);
  if (!state || step.in === undefined) return false;
  const sysctls = { ...state.sysctls, [`net/ipv4/conf/${step.in}/forwarding`]: '1' };
  const { destination: to, source: from } = step.packet;
  const { answer } = decideRoute({ ...state, sysctls }, { to, from, iif: step.in });
  return answer?.type === 'unicast' && answer.via !== undefined && owns(c.snapshots.get(service.host), answer.via);
}

/** The route that leads nginx's host to the wrong one. */
export function misleadingRoute(c: Case, { walk, step: { packet } }: Broken): Route | undefined {
  const state = routingState(c.snapshots.get(walk.service.host));
  if (!state || walk.vip === undefined) return undefined;
  const result = lookup(state, { family: packet.family, to: walk.client, from: walk.vip, iif: 'lo', mark: 0 });
  return result.found === 'route' && result.hops.some(({ via }) => via !== undefined) ? result.route : undefined;
}
