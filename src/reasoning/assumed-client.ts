import { parsePrefix } from '../net/prefix.js';
import { factOf } from '../path/world.js';
import type { Case, Route } from '../types.js';
import type { Broken, Reason } from './broken.js';

/**
 * How certain a conclusion from the way back to a client can be. For a documentation address it says little about a host that has
 * gateways for some prefixes only: its real clients may lie there. Where there is at most a default route, all clients fare alike.
 */
export function certaintyAboutClient(c: Case, host: string, broken: readonly Broken[]): Pick<Reason, 'certainty' | 'settle'> {
  if (!broken.every(({ walk }) => walk.clientAssumed)) return {};
  const routes = factOf(c.snapshots.get(host), 'routes') ?? [];
  const picksClients = (route: Route) =>
    route.nextHops.some((hop) => hop.via !== undefined) && (parsePrefix(route.to)?.length !== 0 || route.table !== 'main');
  return routes.some(picksClients)
    ? { certainty: 'possible', settle: 'name the clients with --client IP or --client PREFIX: no client was named or seen' }
    : { certainty: 'consistent' };
}
