import type { Item } from './items.js';
import { type Manifest, type ManifestItem, manifestPath, manifestSchema } from './manifest.js';
import { type Content, hashOf, sizeOf, writeArchive } from './write.js';

export interface Packing {
  /** Of contents, before compression. What is needed for a diagnosis is packed whatever it takes. */
  mostBytes: number;
  overwrite: boolean;
}

/** Packs items in their order, as far as they fit, behind the manifest that lists them. Resolves to what was left out. */
export async function packBundle(
  path: string,
  about: Omit<Manifest, 'items' | 'leftOut'>,
  items: readonly Item[],
  { mostBytes, overwrite }: Packing,
): Promise<Manifest> {
  const { kept, leftOut } = fit(items, mostBytes);
  const listed = await Promise.all(kept.map(describe));
  // What could not be read again is no bundle.
  const manifest = manifestSchema.parse({ ...about, items: listed, leftOut });
  const contents = kept.flatMap(({ entry, content }) => (entry.path !== undefined && content ? [{ path: entry.path, content }] : []));
  const first = { path: manifestPath, content: Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`) };
  await writeArchive(path, [first, ...contents], { overwrite });
  return manifest;
}

async function describe({ entry, content }: Item): Promise<ManifestItem> {
  return content ? { ...entry, size: sizeOf(content), sha256: await hashOf(content) } : { ...entry, size: 0 };
}

/** A large item that does not fit leaves its room to smaller ones behind it. */
function fit(items: readonly Item[], mostBytes: number): { kept: Item[]; leftOut: Manifest['leftOut'] } {
  const kept: Item[] = [];
  const leftOut: Manifest['leftOut'] = [];
  let room = mostBytes;
  for (const item of items) {
    const size = sizeOf(item.content ?? noContent);
    const needed = item.entry.kind !== 'reply' && item.entry.kind !== 'capture';
    const { path } = item.entry;
    if (path === undefined || needed || size <= room) {
      kept.push(item);
      room -= size;
    } else leftOut.push({ path, size, why: 'it did not fit into --max-size' });
  }
  return { kept, leftOut };
}

const noContent: Content = Buffer.alloc(0);
