import type { z } from 'zod';
import type { Fact, Family, Host, RouteType } from '../types.js';
import { fromReply, known } from './fact.js';

/** What `ip -j -4 …` and `ip -j -6 …` list. A kernel without IPv6 has none of it: its tool fails, and /proc/net/if_inet6 is missing. */
export async function readFamilies<T>(
  host: Host,
  words: readonly string[],
  parse: (text: string, family: Family) => T[],
): Promise<Fact<readonly T[]>> {
  const [four, six, inet6] = await Promise.all([
    host({ run: ['ip', '-j', '-4', ...words] }),
    host({ run: ['ip', '-j', '-6', ...words] }),
    host({ glob: '/proc/net/if_inet6' }),
  ]);
  const subject = `ip ${words.join(' ')}`;
  const first = fromReply(four, subject, (text) => parse(text, 4));
  if (!first.ok) return first;
  if (!six.ok && inet6.ok && inet6.text === '') return first;
  const second = fromReply(six, subject, (text) => parse(text, 6));
  return second.ok ? known([...first.value, ...second.value]) : second;
}

/** `ip -j` prints nothing at all, or `[{}]`, where there is nothing to show. */
export function parseList<T>(text: string, entry: z.ZodType<T>): T[] {
  if (text.trim() === '') return [];
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed)) throw new Error('not a list');
  return parsed.filter((item) => Object.keys(item ?? {}).length > 0).map((item) => entry.parse(item));
}

/** `default` and single addresses get their prefix length: tools leave both out. */
export function prefixText(text: string, family: Family): string {
  if (text === 'default' || text === 'all') return family === 4 ? '0.0.0.0/0' : '::/0';
  return text.includes('/') ? text : `${text}/${family === 4 ? 32 : 128}`;
}

const fixedTables: ReadonlyMap<string, string> = new Map([
  ['253', 'default'],
  ['254', 'main'],
  ['255', 'local'],
]);

/** Tables as iproute2 names them; the three that the kernel makes always by name. */
export function tableName(table: string | number): string {
  return fixedTables.get(String(table)) ?? String(table);
}

const routeTypes = new Set<string>([
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
]);

export function routeType(text: string | undefined): RouteType {
  const type = text ?? 'unicast';
  return routeTypes.has(type) ? (type as RouteType) : 'other';
}

/** The classes that iproute2's rt_dsfield has names for; older releases name the four bits of RFC 1349. */
const services: ReadonlyMap<string, number> = new Map([
  ['default', 0],
  ['lowdelay', 0x10],
  ['throughput', 0x08],
  ['reliability', 0x04],
  ['mincost', 0x02],
  ['EF', 0xb8],
  ...Array.from({ length: 7 }, (_, i) => [`CS${i + 1}`, (i + 1) << 5] as const),
  ...[1, 2, 3, 4].flatMap((level) => [1, 2, 3].map((drop) => [`AF${level}${drop}`, (level << 5) | (drop << 3)] as const)),
]);

/** A type of service as `ip` prints it, by name or as a number; undefined for a name that somebody gave it on that host. */
export function typeOfService(text: string | number): number | undefined {
  return services.get(String(text)) ?? number(text);
}

/** `0x1`, `1`, or undefined. */
export function number(text: string | number | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value >>> 0 : undefined;
}
