import type { z } from 'zod';
import { parseSnapshots } from '../host/snapshot-file.js';
import type { Snapshot } from '../types.js';
import { Contents } from './contents.js';
import { BadArchive, type Limits, readArchive } from './entries.js';
import { type BundledHost, type Manifest, type ManifestItem, manifestPath, manifestSchema } from './manifest.js';
import { type BundledTrace, type TraceNotes, traceNotes, tracePath } from './trace.js';

/** What somebody sent, as far as a diagnosis needs it. */
export interface OpenedBundle {
  manifest: Manifest;
  hosts: readonly { host: BundledHost; snapshot?: Snapshot }[];
  /** Where packets were captured, and asked for. */
  trace?: BundledTrace;
}

export type ReadBundle = { ok: true; bundle: OpenedBundle } | { ok: false; why: string };

const limits: Limits = { entries: 100_000, total: 2 ** 30 };

/**
 * Reads a bundle without unpacking it onto the disk. A stranger may have made it: what is not as a bundle is written, to the last hash, is
 * refused with the entry's name. Never rejects for what the file holds.
 */
export async function openBundle(path: string, { captures = false }: { captures?: boolean } = {}): Promise<ReadBundle> {
  const contents = new Contents(captures);
  try {
    return { ok: true, bundle: await read(path, contents) };
  } catch (error) {
    contents.close();
    return { ok: false, why: `${path} cannot be used as a bundle: ${reasonOf(error)}` };
  }
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll('\n', ' ').slice(0, 400);
}

async function read(path: string, contents: Contents): Promise<OpenedBundle> {
  await readArchive(path, limits, (entry) => contents.sinkFor(entry));
  const manifest = parseAs(manifestSchema, manifestPath, contents.text(manifestPath));
  checkItems(manifest.items, contents.hashes);
  const hosts = manifest.hosts.map((host) => {
    if (host.snapshot === undefined) return { host };
    return { host, snapshot: snapshotOf(host, host.snapshot, contents.text(host.snapshot)) };
  });
  const trace = traceOf(manifest, contents);
  return { manifest, hosts, ...(trace ? { trace } : {}) };
}

function parseAs<T>(schema: z.ZodType<T>, path: string, text: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BadArchive(`its entry ${path} is no JSON: ${reasonOf(error)}`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BadArchive(`its entry ${path} has another form: ${issue?.path.join('.').slice(0, 200)}: ${issue?.message}`);
}

/** A capture that was left out may have what the others lack. */
function traceOf({ items, leftOut }: Manifest, contents: Contents): BundledTrace | undefined {
  const captures = items.flatMap(({ path, host, iface, direction, mac, truncated }) => {
    const file = path === undefined ? undefined : contents.files.get(path);
    if (!file || host === undefined || iface === undefined) return [];
    const about = { host, iface, ...(direction ? { direction } : {}), ...(mac === undefined ? {} : { mac }) };
    return [{ ...about, file: file.path, close: () => file.close(), truncated }];
  });
  if (captures.length === 0) return undefined;
  const notes = parseAs(traceNotes, tracePath, contents.text(tracePath)) as TraceNotes;
  const isCut = leftOut.length > 0 || captures.some(({ truncated }) => truncated);
  const points = isCut
    ? notes.points.map((point) => ({ ...point, partial: 'the bundle has only a part of what was captured' }))
    : notes.points;
  return { ...notes, points, captures };
}

/** The archive holds what the manifest lists, no more and no less. */
function checkItems(items: readonly ManifestItem[], hashes: ReadonlyMap<string, string>): void {
  const paths = items.flatMap(({ path, sha256 }) => (path === undefined ? [] : [[path, sha256] as const]));
  const listed = new Map(paths);
  if (listed.size < paths.length) throw new BadArchive(`its ${manifestPath} lists an entry twice`);
  for (const [path, hash] of hashes) {
    if (path === manifestPath) continue;
    if (!listed.has(path)) throw new BadArchive(`its ${manifestPath} does not list the entry ${path}`);
    if (listed.get(path) !== hash) throw new BadArchive(`its entry ${path} is not what was put there: the hash is another`);
  }
  const missing = [...listed.keys()].find((path) => !hashes.has(path));
  if (missing !== undefined) throw new BadArchive(`its entry ${missing} is missing`);
}

function snapshotOf(host: BundledHost, path: string, text: string): Snapshot {
  const parsed = parseSnapshots(text, path);
  const [snapshot] = parsed.ok ? parsed.snapshots : [];
  if (!snapshot) throw new BadArchive(parsed.ok ? `its entry ${path} is empty` : `its entry ${parsed.why}`);
  if (snapshot.host !== host.name) throw new BadArchive(`its entry ${path} is of another host than ${host.name}`);
  return snapshot;
}
