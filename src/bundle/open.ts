import { createHash } from 'node:crypto';
import { parseSnapshots } from '../host/snapshot-file.js';
import type { Snapshot } from '../types.js';
import { BadArchive, type Entry, type Limits, readArchive, type Sink } from './entries.js';
import { type BundledHost, type Manifest, type ManifestItem, manifestPath, manifestSchema } from './manifest.js';

/** What somebody sent, as far as a diagnosis needs it. */
export interface OpenedBundle {
  manifest: Manifest;
  hosts: readonly { host: BundledHost; snapshot?: Snapshot }[];
}

export type ReadBundle = { ok: true; bundle: OpenedBundle } | { ok: false; why: string };

const limits: Limits = { entries: 100_000, total: 2 ** 30 };
/** Bytes of what has to be in memory at once: the manifest, and the snapshots together. */
const mostManifest = 64 << 20;
const mostSnapshots = 256 << 20;

/**
 * Reads a bundle without unpacking it onto the disk. A stranger may have made it: what is not as a bundle is written, to the last hash, is
 * refused with the entry's name. Never rejects for what the file holds.
 */
export async function openBundle(path: string): Promise<ReadBundle> {
  try {
    return { ok: true, bundle: await read(path) };
  } catch (error) {
    return { ok: false, why: `${path} cannot be used as a bundle: ${reasonOf(error)}` };
  }
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll('\n', ' ').slice(0, 400);
}

async function read(path: string): Promise<OpenedBundle> {
  const contents = new Contents();
  await readArchive(path, limits, (entry) => contents.sinkFor(entry));
  const manifest = parseManifest(contents.text(manifestPath));
  checkItems(manifest.items, contents.hashes);
  const hosts = manifest.hosts.map((host) => {
    if (host.snapshot === undefined) return { host };
    return { host, snapshot: snapshotOf(host, host.snapshot, contents.text(host.snapshot)) };
  });
  return { manifest, hosts };
}

/** Keeps of an archive what has to be parsed, and of all else the hash. */
class Contents {
  readonly hashes = new Map<string, string>();
  private readonly kept = new Map<string, Buffer[]>();
  private size = 0;

  sinkFor({ path, size }: Entry): Sink {
    const hash = createHash('sha256');
    const pieces = this.piecesFor(path, size);
    return {
      take: (bytes) => {
        hash.update(bytes);
        pieces?.push(Buffer.from(bytes));
      },
      end: () => this.hashes.set(path, hash.digest('hex')),
    };
  }

  text(path: string): string {
    const pieces = this.kept.get(path);
    if (!pieces) throw new BadArchive(`it has no entry ${path}`);
    return Buffer.concat(pieces).toString('utf8');
  }

  private piecesFor(path: string, size: number): Buffer[] | undefined {
    const isManifest = path === manifestPath;
    if (!isManifest && !path.endsWith('/snapshot.json')) return undefined;
    if (isManifest && size > mostManifest) throw new BadArchive(`its ${manifestPath} has ${size} bytes`);
    this.size += isManifest ? 0 : size;
    if (this.size > mostSnapshots) throw new BadArchive(`with its entry ${path} its snapshots have more than ${mostSnapshots >> 20} MiB`);
    const pieces: Buffer[] = [];
    this.kept.set(path, pieces);
    return pieces;
  }
}

function parseManifest(text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BadArchive(`its ${manifestPath} is no JSON: ${reasonOf(error)}`);
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BadArchive(`its ${manifestPath} has another form: ${issue?.path.join('.').slice(0, 200)}: ${issue?.message}`);
}

/** The archive holds what the manifest lists, no more and no less. */
function checkItems(items: readonly ManifestItem[], hashes: ReadonlyMap<string, string>): void {
  const listed = new Map(items.flatMap(({ path, sha256 }) => (path === undefined ? [] : [[path, sha256] as const])));
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
