import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file that has lost its name: nobody else can open it, and it is gone when this process is, however that ends. Linux alone. */
export class NamelessFile {
  private readonly descriptor: number;

  constructor() {
    const directory = mkdtempSync(join(tmpdir(), 'tpdoctor-'));
    try {
      this.descriptor = openSync(join(directory, 'capture'), 'ax', 0o600);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** Opens it for reading, from any thread of this process. */
  get path(): string {
    return `/proc/self/fd/${this.descriptor}`;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.descriptor, bytes, at);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
