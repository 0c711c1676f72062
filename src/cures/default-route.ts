import { everything } from '../net/prefix.js';
import { factOf } from '../path/world.js';
import type { Cure, Family, Snapshot } from '../types.js';
import { putRoute } from './routing.js';

/** A default route by way of nginx's host, unless there is a default route already. */
export function defaultRouteVia(snapshot: Snapshot, family: Family, gateway: { link: string; address: string }): Cure | undefined {
  const to = everything(family);
  if (factOf(snapshot, 'routes')?.some((route) => route.table === 'main' && route.to === to && route.type === 'unicast')) return undefined;
  const nextHops = [{ link: gateway.link, via: gateway.address }];
  const route = { family, type: 'unicast' as const, to, table: 'main', nextHops, metric: family === 6 ? 1024 : 0 };
  return putRoute(snapshot, route, "replies to clients have to go by nginx's host");
}
