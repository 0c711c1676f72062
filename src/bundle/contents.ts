import { createHash } from 'node:crypto';
import { BadArchive, type Entry, type Sink } from './entries.js';
import { manifestPath } from './manifest.js';
import { NamelessFile } from './nameless-file.js';
import { tracePath } from './trace.js';

/** Bytes of what has to be in memory, of one entry and of all together. */
const most = { entry: 64 << 20, together: 192 << 20 };

/** Keeps of an archive what has to be parsed, packets where they are asked for, and of all else the hash. */
export class Contents {
  /** Path → SHA-256 of every entry. */
  readonly hashes = new Map<string, string>();
  readonly files = new Map<string, NamelessFile>();
  private readonly texts = new Map<string, Buffer[]>();
  private size = 0;

  constructor(private readonly wantsCaptures: boolean) {}

  sinkFor(entry: Entry): Sink {
    const hash = createHash('sha256');
    const keep = this.keeperOf(entry);
    return {
      take: (bytes) => {
        hash.update(bytes);
        keep?.(bytes);
      },
      end: () => this.hashes.set(entry.path, hash.digest('hex')),
    };
  }

  text(path: string): string {
    const pieces = this.texts.get(path);
    if (!pieces) throw new BadArchive(`it has no entry ${path}`);
    return Buffer.concat(pieces).toString('utf8');
  }

  close(): void {
    for (const file of this.files.values()) file.close();
    this.files.clear();
  }

  private keeperOf({ path, size }: Entry): ((bytes: Uint8Array) => void) | undefined {
    if (path.startsWith('captures/')) {
      if (!this.wantsCaptures) return undefined;
      const file = new NamelessFile();
      this.files.set(path, file);
      return (bytes) => file.write(bytes);
    }
    if (path !== manifestPath && path !== tracePath && !path.endsWith('/snapshot.json')) return undefined;
    this.size += size;
    if (size > most.entry) throw new BadArchive(`its entry ${path} has ${size} bytes`);
    if (this.size > most.together) throw new BadArchive(`with its entry ${path} there are more than ${most.together >> 20} MiB to be read`);
    const pieces: Buffer[] = [];
    this.texts.set(path, pieces);
    return (bytes) => pieces.push(Buffer.from(bytes));
  }
}
