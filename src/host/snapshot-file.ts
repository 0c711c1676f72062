import { readFile, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Fact, FactName, Snapshot } from '../types.js';
import { factSchemas } from './schema-facts.js';

const mostFileBytes = 256 * 1024 * 1024;

const envelope = z.object({
  format: z.literal(1),
  host: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
  takenAt: z.iso.datetime({ offset: true }),
  facts: z.record(z.string().max(64), z.unknown()),
});
const several = z.object({ format: z.literal(1), snapshots: z.array(envelope).min(1).max(1000) });

export type ReadSnapshots = { ok: true; snapshots: Snapshot[] } | { ok: false; why: string };

/** Reads a file of one or several snapshots. Somebody else may have written it: what does not fit is refused with the place. */
export async function readSnapshots(path: string): Promise<ReadSnapshots> {
  try {
    const found = await stat(path);
    // A FIFO waits for its writer, and a device may never end.
    if (!found.isFile()) return { ok: false, why: `${path} is no regular file` };
    if (found.size > mostFileBytes) return { ok: false, why: `${path} is larger than 256 MiB` };
    return parseSnapshots(await readFile(path, 'utf8'), path);
  } catch (error) {
    return { ok: false, why: `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** The text of a snapshot file. A fact in a form that is not known becomes an unknown fact; the others stand. */
export function parseSnapshots(content: string, path: string): ReadSnapshots {
  let json: unknown;
  try {
    json = JSON.parse(content, refusePrototype);
  } catch (error) {
    return { ok: false, why: `${path} is no snapshot: ${error instanceof Error ? error.message.slice(0, 200) : 'not JSON'}` };
  }
  const parsed = typeof json === 'object' && json !== null && 'snapshots' in json ? several.safeParse(json) : envelope.safeParse(json);
  if (!parsed.success) return { ok: false, why: `${path} is no snapshot: ${describe(parsed.error)}` };
  const envelopes = 'snapshots' in parsed.data ? parsed.data.snapshots : [parsed.data];
  return {
    ok: true,
    snapshots: envelopes.map(({ format, host, takenAt, facts }) => ({ format, host, takenAt, facts: factsOf(facts) })),
  };
}

/** `__proto__` as a key would change what an object is. */
function refusePrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new Error('it has a key "__proto__"');
  return value;
}

/** Facts of a later version, which this one does not know, are left out. */
function factsOf(facts: Readonly<Record<string, unknown>>): Snapshot['facts'] {
  const names = Object.keys(facts).filter((name): name is FactName => Object.hasOwn(factSchemas, name));
  return Object.fromEntries(names.map((name) => [name, factOf(name, facts[name])]));
}

const missing = z.object({ ok: z.literal(false), why: z.string().max(65_536) });

function factOf(name: FactName, value: unknown): Fact<unknown> {
  const schema: z.ZodType = factSchemas[name];
  const parsed = z.discriminatedUnion('ok', [z.object({ ok: z.literal(true), value: schema }), missing]).safeParse(value);
  return parsed.success ? parsed.data : { ok: false, why: `${name} in the file has an unknown form: ${describe(parsed.error)}` };
}

function describe(error: z.ZodError): string {
  const [issue] = error.issues;
  if (!issue) return 'it has another form';
  const place = issue.path.map(String).join('.').slice(0, 200);
  return `${place === '' ? '' : `${place}: `}${issue.message.slice(0, 200)}`;
}

/** Writes snapshots so that `readSnapshots` reads them again. */
export async function writeSnapshots(path: string, snapshots: readonly Snapshot[]): Promise<void> {
  await writeFile(path, `${JSON.stringify({ format: 1, snapshots }, null, 1)}\n`);
}

/** Snapshots of several files by host. Of two of the same host the newer one wins; `doubled` names the host. */
export function mergeSnapshots(snapshots: readonly Snapshot[]): { byHost: Map<string, Snapshot>; doubled: string[] } {
  const byHost = new Map<string, Snapshot>();
  const doubled: string[] = [];
  for (const snapshot of snapshots) {
    const other = byHost.get(snapshot.host);
    if (other) doubled.push(snapshot.host);
    if (!other || Date.parse(snapshot.takenAt) >= Date.parse(other.takenAt)) byHost.set(snapshot.host, snapshot);
  }
  return { byHost, doubled };
}
