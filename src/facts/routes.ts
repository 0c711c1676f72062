import { z } from 'zod';
import type { Fact, Family, Host, NextHop, Route } from '../types.js';
import { fromReply, known } from './fact.js';
import { parseList, prefixText, routeType } from './iproute.js';

export async function read(host: Host): Promise<Fact<readonly Route[]>> {
  const query = (family: string) => ({ run: ['ip', '-j', family, 'route', 'show', 'table', 'all'] });
  const [four, six] = await Promise.all([host(query('-4')), host(query('-6'))]);
  const routes4 = fromReply(four, 'routes', (text) => parseRoutes(text, 4));
  const routes6 = six.ok ? fromReply(six, 'IPv6 routes', (text) => parseRoutes(text, 6)) : known<Route[]>([]);
  if (!routes4.ok) return routes4;
  return routes6.ok ? known([...routes4.value, ...routes6.value]) : routes6;
}

const via = z.object({ host: z.string() }).optional();
const hop = z.object({
  dev: z.string().optional(),
  gateway: z.string().optional(),
  via,
  weight: z.number().optional(),
  flags: z.array(z.string()).default([]),
});
const entry = hop.extend({
  type: z.string().optional(),
  dst: z.string(),
  table: z.union([z.string(), z.number()]).default('main'),
  prefsrc: z.string().optional(),
  metric: z.number().default(0),
  scope: z.string().optional(),
  nexthops: z.array(hop).optional(),
});

/** Output of `ip -j -4 route show table all` (or `-6`). */
export function parseRoutes(text: string, family: Family): Route[] {
  return parseList(text, entry).map((item) => ({
    family,
    type: routeType(item.type),
    to: prefixText(item.dst, family),
    table: String(item.table),
    nextHops: (item.nexthops ?? [item]).map(nextHop),
    ...(item.prefsrc === undefined ? {} : { source: item.prefsrc }),
    metric: item.metric,
    ...(item.scope === undefined ? {} : { scope: item.scope }),
  }));
}

function nextHop({ dev, gateway, via, weight, flags }: z.infer<typeof hop>): NextHop {
  const next = gateway ?? via?.host;
  return {
    ...(dev === undefined ? {} : { link: dev }),
    ...(next === undefined ? {} : { via: next }),
    ...(weight === undefined ? {} : { weight }),
    // IPv4 keeps using a route whose link has no carrier unless ignore_routes_with_linkdown is set; a dead one never.
    ...(flags.includes('dead') ? { dead: true } : {}),
  };
}
