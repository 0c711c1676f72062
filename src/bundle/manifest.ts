import { z } from 'zod';
import type { Query } from '../types.js';

/** Directory that a bundle unpacks into. */
export const bundleDirectory = 'tpdoctor-bundle';
export const manifestPath = 'manifest.json';

const most = 1_000_000;
const short = z.string().max(65_536);
const count = z.int().min(0);
const hostName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);
/** Below the bundle's directory. No part begins with a dot or a dash, so that none is `..`, hidden or an option. */
const path = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,79}(?:\/[A-Za-z0-9_][A-Za-z0-9._-]{0,79}){0,3}$/);

/** One answer of a host, or a file that was made of them. */
const item = z.object({
  /** Absent where there was nothing to keep. */
  path: path.optional(),
  kind: z.enum(['readme', 'report', 'snapshot', 'reply', 'trace', 'capture']),
  host: hostName.optional(),
  /** The command or the file that it came from. */
  from: short,
  ok: z.boolean(),
  why: short.optional(),
  /** Until the answer was there, in milliseconds. */
  tookMs: count.optional(),
  /** In bytes. */
  size: count,
  /** Its end is missing. */
  truncated: z.literal(true).optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Of a capture. */
  iface: z.string().min(1).max(64).optional(),
  direction: z.enum(['in', 'out']).optional(),
  mac: z
    .string()
    .regex(/^[0-9a-f:]{2,64}$/i)
    .optional(),
});

const host = z.object({
  name: hostName,
  /** As it was named on the command line. */
  target: short,
  reached: z.boolean(),
  why: short.optional(),
  roles: z.array(z.enum(['client', 'proxy', 'router', 'upstream'])).optional(),
  snapshot: path.optional(),
});

export const manifestSchema = z.object({
  format: z.literal(1),
  tool: z.object({ name: z.literal('tpdoctor'), version: z.string().max(64) }),
  /** ISO 8601. */
  createdAt: z.iso.datetime({ offset: true }),
  /** What the verdict depends on besides the hosts. */
  asked: z.object({ clients: z.array(z.string().max(64)).max(10_000), nginxPid: z.int().min(1).optional() }),
  /** In the order in which they were named. */
  hosts: z.array(host).max(1000),
  items: z.array(item).max(most),
  /** What did not fit. */
  leftOut: z.array(z.object({ path, size: count, why: short })).max(most),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestItem = z.infer<typeof item>;
export type BundledHost = z.infer<typeof host>;

/** A query in the words of who would repeat it by hand. */
export function wordsOf(query: Query): string {
  if ('run' in query) return query.run.join(' ');
  if ('read' in query) return query.lastBytes === undefined ? query.read : `tail -c ${query.lastBytes} ${query.read}`;
  if ('glob' in query) return `ls -d ${query.glob}`;
  return `grep -H '${query.grep}' ${query.in}`;
}
