import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Header } from 'tar/header';
import { bundleDirectory } from './manifest.js';

/** A file of an archive. Its bytes come in pieces, each before the next is read. */
export interface Entry {
  /** Below the bundle's directory. */
  path: string;
  size: number;
}

/** What takes the pieces of one entry, and is told when there are no more. */
export interface Sink {
  take(bytes: Uint8Array): void;
  end(): void;
}

/** What an archive may have; a larger one is refused before it costs more. */
export interface Limits {
  entries: number;
  /** Bytes of all entries together, headers included. */
  total: number;
}

/** The archive is none of ours, is damaged, or means ill. The message names the entry. */
export class BadArchive extends Error {}

const block = 512;
/** What compresses better than this is made to. Captures whose payload is overwritten reach some 100; deflate itself ends at 1032. */
const mostRatio = 500;
/** Bytes that are unpacked before the ratio is looked at. */
const ratioFrom = 32 << 20;

/** No part begins with a dot or a dash: there is no `..`, nothing is absolute, and nothing in a name steers a terminal. */
const safePath = new RegExp(`^${bundleDirectory}((?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,79}){1,4})/?$`);
const files: readonly string[] = ['File', 'OldFile', 'ContiguousFile'];

/**
 * Reads a compressed archive from its beginning to its end and gives every file in it to the sink that `open` returns; nothing is written
 * anywhere. Rejects with BadArchive at the first entry that a bundle cannot have.
 */
export async function readArchive(path: string, limits: Limits, open: (entry: Entry) => Sink): Promise<void> {
  const input = createReadStream(path);
  const reader = new ArchiveReader(limits, open);
  let refused: unknown;
  const read = async (unpacked: AsyncIterable<Buffer>): Promise<void> => {
    try {
      for await (const chunk of unpacked) {
        reader.push(chunk);
        if (reader.size > ratioFrom && reader.size > mostRatio * input.bytesRead)
          throw new BadArchive(`it unpacks to ${mostRatio} times its size`);
      }
      reader.end();
    } catch (error) {
      refused = error;
      throw error;
    }
  };
  await pipeline(input, createGunzip(), read).catch((error: unknown) => {
    // What ends the streams may be told before what it was ended for.
    throw refused ?? error;
  });
}

class ArchiveReader {
  /** Bytes that came until now. */
  size = 0;
  private readonly seen = new Set<string>();
  private header = Buffer.alloc(0);
  private sink: Sink | undefined;
  private remaining = 0;
  private padding = 0;
  private ended = false;

  constructor(
    private readonly limits: Limits,
    private readonly open: (entry: Entry) => Sink,
  ) {}

  push(chunk: Buffer): void {
    this.size += chunk.length;
    if (this.size > this.limits.total) throw new BadArchive(`it unpacks to more than ${this.limits.total >> 20} MiB`);
    for (let at = 0; at < chunk.length && !this.ended; ) at += this.take(chunk.subarray(at));
  }

  end(): void {
    if (!this.ended) throw new BadArchive('it is not whole');
  }

  /** How many of the bytes belonged to what is being read. */
  private take(bytes: Buffer): number {
    if (this.sink) return this.takeContent(this.sink, bytes);
    if (this.padding > 0) {
      const skipped = Math.min(this.padding, bytes.length);
      this.padding -= skipped;
      return skipped;
    }
    const used = Math.min(block - this.header.length, bytes.length);
    this.header = Buffer.concat([this.header, bytes.subarray(0, used)]);
    if (this.header.length === block) {
      const header = this.header;
      this.header = Buffer.alloc(0);
      this.begin(header);
    }
    return used;
  }

  private takeContent(sink: Sink, bytes: Buffer): number {
    const used = Math.min(this.remaining, bytes.length);
    sink.take(bytes.subarray(0, used));
    this.remaining -= used;
    if (this.remaining === 0) this.finish(sink);
    return used;
  }

  private finish(sink: Sink): void {
    this.sink = undefined;
    sink.end();
  }

  private begin(bytes: Buffer): void {
    const header = new Header(bytes, 0);
    if (header.nullBlock) {
      this.ended = true;
      return;
    }
    if (!header.cksumValid) throw new BadArchive('an entry has a wrong checksum');
    const path = this.checkedPath(header);
    if (header.type === 'Directory') return;
    const size = header.size ?? 0;
    this.remaining = size;
    this.padding = (block - (size % block)) % block;
    const sink = this.open({ path, size });
    if (size === 0) sink.end();
    else this.sink = sink;
  }

  private checkedPath({ path = '', type, size = 0 }: Header): string {
    const name = JSON.stringify(path.slice(0, 200));
    const [, below] = safePath.exec(path) ?? [];
    if (type === 'Directory' && (below !== undefined || path.replace(/\/$/, '') === bundleDirectory)) return '';
    if (below === undefined) throw new BadArchive(`it has an entry ${name}, which is no name in a bundle`);
    if (!files.includes(type)) throw new BadArchive(`its entry ${name} is no file but a ${type}`);
    if (size > this.limits.total) throw new BadArchive(`its entry ${name} claims ${size} bytes`);
    if (this.seen.has(below)) throw new BadArchive(`it has two entries ${name}`);
    this.seen.add(below);
    if (this.seen.size > this.limits.entries) throw new BadArchive(`it has more than ${this.limits.entries} entries`);
    return below.slice(1);
  }
}
