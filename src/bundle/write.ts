import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, openSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Header } from 'tar/header';
import { bundleDirectory } from './manifest.js';

/** What an entry of the archive holds: bytes, or a file and how much of it. */
export type Content = Buffer | { file: string; size: number };

const block = 512;

/**
 * Writes an archive under a temporary name beside `path` and renames it when it is whole. Whatever goes wrong, a signal that lets the process end by
 * itself included, nothing is left under either name; then it rejects with the reason.
 */
export async function writeArchive(
  path: string,
  entries: readonly { path: string; content: Content }[],
  { overwrite }: { overwrite: boolean },
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.part`);
  const fd = openSync(temporary, 'wx', 0o600);
  const remove = () => rmSync(temporary, { force: true });
  process.once('exit', remove);
  try {
    // On some file systems a full disk shows only when what was written has to reach it.
    await pipeline(Readable.from(archiveOf(entries)), createGzip(), createWriteStream('', { fd, flush: true }));
    if (!overwrite && existsSync(path)) throw new Error('somebody else has made it meanwhile');
    await rename(temporary, path);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function* archiveOf(entries: readonly { path: string; content: Content }[]): AsyncGenerator<Buffer> {
  const mtime = new Date();
  for (const { path, content } of entries) {
    const size = sizeOf(content);
    const header = new Header({ path: `${bundleDirectory}/${path}`, type: 'File', mode: 0o600, uid: 0, gid: 0, size, mtime });
    header.encode();
    if (!header.block || header.needPax) throw new Error(`${path} cannot be named in an archive`);
    yield header.block;
    yield* bytesOf(content);
    yield Buffer.alloc((block - (size % block)) % block);
  }
  yield Buffer.alloc(2 * block);
}

export function sizeOf(content: Content): number {
  return Buffer.isBuffer(content) ? content.length : content.size;
}

async function* bytesOf(content: Content): AsyncGenerator<Buffer> {
  if (Buffer.isBuffer(content)) yield content;
  else if (content.size > 0) yield* createReadStream(content.file, { end: content.size - 1 });
}

/** SHA-256 in hexadecimal. */
export async function hashOf(content: Content): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of bytesOf(content)) hash.update(bytes);
  return hash.digest('hex');
}
