import { z } from 'zod';
import type { FirewallAction, FirewallMatch, FirewallTable } from '../types.js';
import { family, list, mark, portRange, record, text, whole } from './schema-parts.js';

const not = z.boolean();
const side = z.enum(['source', 'destination']);
const range = z.tuple([text, text]);
const literal = <T extends string>(value: T) => z.literal(value);

const match: z.ZodType<FirewallMatch> = z.discriminatedUnion('match', [
  z.object({ match: literal('address'), side, not, among: list(range) }),
  z.object({
    match: literal('port'),
    side: z.enum(['source', 'destination', 'either']),
    not,
    among: list(portRange),
    ipProtocols: list(whole).exactOptional(),
  }),
  z.object({ match: literal('protocol'), not, among: list(whole) }),
  z.object({ match: literal('family'), not, family }),
  z.object({ match: literal('interface'), side: z.enum(['in', 'out']), not, among: list(text) }),
  z.object({ match: literal('mark'), of: z.enum(['packet', 'connection']), not, value: mark, mask: mark }),
  z.object({
    match: literal('state'),
    not,
    among: list(z.enum(['new', 'established', 'related', 'invalid', 'untracked', 'snat', 'dnat'])),
  }),
  z.object({ match: literal('address-type'), side, not, among: list(text) }),
  z.object({ match: literal('socket'), transparent: z.boolean(), not }),
  z.object({ match: literal('tcp-flags'), not, mask: whole, value: whole }),
  z.object({ match: literal('later-fragment'), not }),
  z.object({ match: literal('reverse-path'), not, loose: z.boolean(), mark: z.literal(true).exactOptional() }),
  z.object({
    match: literal('set'),
    not,
    set: text,
    fields: list(
      z.enum([
        'source-address',
        'destination-address',
        'source-port',
        'destination-port',
        'protocol',
        'in-interface',
        'out-interface',
        'mark',
        'other',
      ]),
    ),
  }),
  z.object({ match: literal('unknown'), text }),
]);

const to = text.exactOptional();

const action: z.ZodType<FirewallAction> = z.discriminatedUnion('do', [
  z.object({ do: z.enum(['accept', 'drop', 'return', 'notrack', 'masquerade', 'redirect']) }),
  z.object({ do: literal('reject'), with: text.exactOptional() }),
  z.object({ do: z.enum(['jump', 'goto']), chain: text }),
  z.object({ do: z.enum(['mark', 'connection-mark']), value: mark, mask: mark }),
  z.object({ do: z.enum(['save-mark', 'restore-mark']), mask: mark }),
  z.object({ do: z.enum(['snat', 'dnat']), to }),
  z.object({
    do: literal('tproxy'),
    to,
    port: whole.exactOptional(),
    mark: z.object({ value: mark, mask: mark }).exactOptional(),
  }),
  z.object({
    do: literal('rewrite'),
    field: z.enum(['source-address', 'destination-address', 'source-port', 'destination-port']),
    to,
    map: record(text).exactOptional(),
  }),
  z.object({ do: z.enum(['nothing', 'unknown']), text }),
]);

const rule = z.object({
  text,
  handle: z.number().exactOptional(),
  packets: z.number().exactOptional(),
  steps: list(z.union([match, action])),
});

const chain = z.object({
  name: text,
  base: z
    .object({
      hook: z.enum(['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress', 'egress']),
      priority: z.number(),
      type: z.enum(['filter', 'nat', 'route']),
      devices: list(text).exactOptional(),
    })
    .exactOptional(),
  policy: z.enum(['accept', 'drop']).exactOptional(),
  policyPackets: z.number().exactOptional(),
  rules: list(rule),
});

const element = z.object({ key: list(z.union([range, portRange, text])), value: text.exactOptional() });

export const firewallTables: z.ZodType<readonly FirewallTable[]> = list(
  z.object({
    source: z.enum(['iptables-legacy', 'iptables-nft', 'nft']),
    family: z.enum(['ip', 'ip6', 'inet', 'netdev', 'bridge', 'arp']),
    name: text,
    chains: list(chain),
    sets: record(list(element)),
  }),
);
