import { z } from 'zod';
import type { Address, Link, Neighbour, PolicyRule, RecordedRoute, Route, TrafficControl } from '../types.js';
import { family, list, mark, page, port, portRange, text, whole } from './schema-parts.js';

export const links: z.ZodType<readonly Link[]> = list(
  z.object({
    name: text,
    index: whole,
    up: z.boolean(),
    state: text,
    mtu: whole,
    mac: text.exactOptional(),
    kind: text.exactOptional(),
    master: text.exactOptional(),
  }),
);

export const addresses: z.ZodType<readonly Address[]> = list(
  z.object({ link: text, family, address: text, prefixLength: z.int().min(0).max(128), scope: text }),
);

export const neighbours: z.ZodType<readonly Neighbour[]> = list(
  z.object({ address: text, link: text, mac: text.exactOptional(), states: list(text) }),
);

export const policyRules: z.ZodType<readonly PolicyRule[]> = list(
  z.object({
    family,
    priority: mark,
    not: z.boolean().exactOptional(),
    from: text.exactOptional(),
    to: text.exactOptional(),
    iif: text.exactOptional(),
    oif: text.exactOptional(),
    mark: mark.exactOptional(),
    mask: mark.exactOptional(),
    ipProtocol: whole.exactOptional(),
    sourcePort: portRange.exactOptional(),
    destinationPort: portRange.exactOptional(),
    tos: whole.exactOptional(),
    suppressPrefixLength: whole.exactOptional(),
    other: text.exactOptional(),
    action: z.enum(['table', 'blackhole', 'unreachable', 'prohibit', 'goto', 'nop', 'other']),
    table: text.exactOptional(),
    goto: whole.exactOptional(),
  }),
);

const nextHop = z.object({
  link: text.exactOptional(),
  via: text.exactOptional(),
  weight: whole.exactOptional(),
  onlink: z.literal(true).exactOptional(),
  dead: z.boolean().exactOptional(),
  linkdown: z.boolean().exactOptional(),
});

export const routes: z.ZodType<readonly Route[]> = list(
  z.object({
    family,
    type: z.enum(['unicast', 'local', 'broadcast', 'anycast', 'multicast', 'blackhole', 'unreachable', 'prohibit', 'throw', 'other']),
    to: text,
    table: text,
    nextHops: list(nextHop),
    tos: whole.exactOptional(),
    from: text.exactOptional(),
    source: text.exactOptional(),
    metric: z.number(),
    scope: text.exactOptional(),
    attributes: list(text).exactOptional(),
  }),
);

const question = z.object({
  to: text,
  from: text.exactOptional(),
  iif: text.exactOptional(),
  mark: mark.exactOptional(),
  ipProtocol: whole.exactOptional(),
  sourcePort: port.exactOptional(),
  destinationPort: port.exactOptional(),
  tos: whole.exactOptional(),
});

const answer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('local'), table: text.exactOptional() }),
  z.object({
    type: z.literal('unicast'),
    link: text,
    via: text.exactOptional(),
    source: text.exactOptional(),
    table: text.exactOptional(),
  }),
  z.object({ type: z.enum(['broadcast', 'multicast']) }),
  z.object({ type: z.literal('error'), error: z.enum(['no-route', 'invalid-source', 'refused']), text }),
]);

export const kernelRoutes: z.ZodType<readonly RecordedRoute[]> = list(z.object({ question, answer }));

const verdict = text.exactOptional();
const maskedPort = z.object({ value: whole, mask: whole }).exactOptional();

export const trafficControl: z.ZodType<TrafficControl> = z.object({
  qdiscs: list(z.object({ link: text, kind: text, handle: text, parent: text.exactOptional() })),
  filters: list(
    z.object({
      link: text,
      parent: text,
      protocol: text,
      priority: whole,
      kind: text,
      handle: text.exactOptional(),
      match: z
        .object({
          family: z.union([family, z.literal('neither')]).exactOptional(),
          source: text.exactOptional(),
          destination: text.exactOptional(),
          ipProtocol: whole.exactOptional(),
          sourcePort: maskedPort,
          destinationPort: maskedPort,
        })
        .exactOptional(),
      actions: list(
        z.discriminatedUnion('kind', [
          z.object({
            kind: z.literal('nat'),
            direction: z.enum(['ingress', 'egress']),
            old: text,
            new: text,
            packets: z.number().exactOptional(),
            verdict,
          }),
          z.object({
            kind: z.literal('edit'),
            edits: list(z.object({ field: z.enum(['source', 'destination', 'sourcePort', 'destinationPort']), keep: mark, flip: mark })),
            verdict,
          }),
          z.object({ kind: z.literal('mark'), value: mark, mask: mark, verdict }),
          z.object({ kind: z.literal('redirect'), to: text, side: z.enum(['ingress', 'egress']), verdict }),
          z.object({ kind: z.literal('other'), name: text, verdict }),
        ]),
      ),
      packets: z.number().exactOptional(),
      text: page,
    }),
  ),
});
