import { z } from 'zod';
import { everything } from '../net/prefix.js';
import type { Fact, Family, Host, NextHop, Route } from '../types.js';
import { parseList, prefixText, readFamilies, routeType, tableName, typeOfService } from './iproute.js';

/** The routes of every table, both families. A table too long for one answer (some 60000 routes) makes the fact unknown. */
export async function read(host: Host): Promise<Fact<readonly Route[]>> {
  return readFamilies(host, ['route', 'show', 'table', 'all'], parseRoutes);
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
  tos: z.union([z.string(), z.number()]).default(0),
  from: z.string().optional(),
  metric: z.number().default(0),
  scope: z.string().optional(),
  protocol: z.string().optional(),
  pref: z.string().optional(),
  metrics: z.array(z.record(z.string(), z.unknown())).optional(),
  nexthops: z.array(hop).optional(),
});

/** Output of `ip -j -4 route show table all` (or `-6`). */
export function parseRoutes(text: string, family: Family): Route[] {
  return parseList(text, entry).map((item) => ({
    family,
    type: routeType(item.type),
    to: prefixText(item.dst, family),
    table: tableName(item.table),
    nextHops: (item.nexthops ?? [item]).map(nextHop),
    ...serviceOf(item.tos),
    ...sourceOf(item.from, family),
    ...(item.prefsrc === undefined ? {} : { source: item.prefsrc }),
    metric: item.metric,
    ...(item.scope === undefined ? {} : { scope: item.scope }),
    ...attributesOf(item),
  }));
}

/** Metrics of a route that iproute2 prints as it takes them. */
const metrics = ['mtu', 'advmss', 'window', 'hoplimit', 'initcwnd', 'initrwnd', 'quickack'];

function attributesOf(item: z.infer<typeof entry>): Pick<Route, 'attributes'> {
  const said = item.metrics?.[0] ?? {};
  const attributes = [
    ...(item.protocol === undefined || item.protocol === 'boot' ? [] : ['proto', item.protocol]),
    ...(item.pref === undefined || item.pref === 'medium' ? [] : ['pref', item.pref]),
    ...metrics.flatMap((name) => (typeof said[name] === 'number' ? [name, String(said[name])] : [])),
  ];
  return attributes.length === 0 ? {} : { attributes };
}

/** A name that only this host knows stands for a type of service that nobody sends: packets of the usual one do not match it either way. */
function serviceOf(text: string | number): Pick<Route, 'tos'> {
  const tos = typeOfService(text) ?? 0xff;
  return tos === 0 ? {} : { tos };
}

function sourceOf(text: string | undefined, family: Family): Pick<Route, 'from'> {
  const from = prefixText(text ?? 'all', family);
  return from === everything(family) ? {} : { from };
}

function nextHop({ dev, gateway, via, weight, flags }: z.infer<typeof hop>): NextHop {
  const next = gateway ?? via?.host;
  return {
    ...(dev === undefined ? {} : { link: dev }),
    ...(next === undefined ? {} : { via: next }),
    ...(weight === undefined ? {} : { weight }),
    ...(flags.includes('onlink') ? { onlink: true } : {}),
    ...(flags.includes('dead') ? { dead: true } : {}),
    ...(flags.includes('linkdown') ? { linkdown: true } : {}),
  };
}
