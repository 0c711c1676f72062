import type { z } from 'zod';
import type { Family, RouteType } from '../types.js';

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

/** `0x1`, `1`, or undefined. */
export function number(text: string | number | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value >>> 0 : undefined;
}
