import { readFile, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Snapshot } from '../types.js';

const mostFileBytes = 256 * 1024 * 1024;

const snapshot = z.object({
  format: z.literal(1),
  host: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
  takenAt: z.string().max(64),
  facts: z.record(
    z.string().max(64),
    z.union([z.object({ ok: z.literal(true), value: z.unknown() }), z.object({ ok: z.literal(false), why: z.string() })]),
  ),
});
const file = z.union([
  snapshot.transform((one) => [one]),
  z.object({ format: z.literal(1), snapshots: z.array(snapshot).max(1000) }).transform(({ snapshots }) => snapshots),
]);

/** Reads a file of one or several snapshots. Somebody else may have written it: what does not fit is refused with the place. */
export async function readSnapshots(path: string): Promise<{ ok: true; snapshots: Snapshot[] } | { ok: false; why: string }> {
  try {
    if ((await stat(path)).size > mostFileBytes) return { ok: false, why: `${path} is larger than 256 MiB` };
    const parsed = file.safeParse(JSON.parse(await readFile(path, 'utf8'), dropPrototype));
    if (!parsed.success) return { ok: false, why: `${path} is no snapshot: ${parsed.error.issues[0]?.message ?? 'it has another form'}` };
    return { ok: true, snapshots: parsed.data as Snapshot[] };
  } catch (error) {
    return { ok: false, why: `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** `__proto__` as a key would change what an object is. */
function dropPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

/** Writes snapshots so that `readSnapshots` reads them again. */
export async function writeSnapshots(path: string, snapshots: readonly Snapshot[]): Promise<void> {
  await writeFile(path, `${JSON.stringify({ format: 1, snapshots }, null, 1)}\n`);
}
