import { randomBytes } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { protocols } from './text.js';

/** KiB for each processor: about 2000 events. */
const bufferKiB = 256;
const chunk = Buffer.alloc(65_536);

/** A trace buffer of our own: what others trace on this machine is not touched. All of it is in the kernel, nothing on a disk. */
export class TraceInstance {
  private pipe: number | undefined;

  private constructor(private readonly directory: string) {}

  /** Throws where the kernel or its permissions do not allow it. */
  static make(tracefs: string): TraceInstance {
    const directory = join(tracefs, 'instances', `tpdoctor-${process.pid}-${randomBytes(3).toString('hex')}`);
    mkdirSync(directory);
    const instance = new TraceInstance(directory);
    try {
      instance.begin();
      return instance;
    } catch (error) {
      instance.remove();
      throw error;
    }
  }

  private begin(): void {
    const event = 'events/skb/kfree_skb';
    this.write('buffer_size_kb', String(bufferKiB));
    // Addresses that are hashed for printing have no names; kernels before 5.12 print them as they are.
    this.tryWrite('options/hash-ptr', '0');
    this.write(`${event}/filter`, [...protocols.keys()].map((type) => `protocol == ${type}`).join(' || '));
    this.pipe = openSync(join(this.directory, 'trace_pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
    this.write(`${event}/enable`, '1');
  }

  /** The text of the next events; nothing when there are none now. */
  read(): string | undefined {
    if (this.pipe === undefined) return undefined;
    try {
      const size = readSync(this.pipe, chunk, 0, chunk.length, null);
      return size === 0 ? undefined : chunk.toString('latin1', 0, size);
    } catch {
      // EAGAIN: the pipe is empty.
      return undefined;
    }
  }

  /** No new events. */
  disable(): void {
    this.tryWrite('events/skb/kfree_skb/enable', '0');
  }

  /** May be called again. */
  remove(): void {
    if (this.pipe !== undefined) closeSync(this.pipe);
    this.pipe = undefined;
    tryRemove(this.directory);
  }

  private write(file: string, text: string): void {
    writeFileSync(join(this.directory, file), text);
  }

  private tryWrite(file: string, text: string): void {
    try {
      this.write(file, text);
    } catch {
      // An option that this kernel does not have.
    }
  }
}

/** Takes away what a tpdoctor that was killed has left. One that lives keeps its pipe open, and the kernel does not remove what is in use. */
export function removeStale(tracefs: string): void {
  const directory = join(tracefs, 'instances');
  for (const name of readdirSync(directory)) {
    const pid = /^tpdoctor-(\d{1,10})-[\da-f]{6}$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) tryRemove(join(directory, name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

function tryRemove(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // It is gone, or in use.
  }
}

/** Where tracefs is mounted, by the text of /proc/self/mounts. It is not mounted for this: that would change the machine. */
export function findTracefs(mounts: string): string | undefined {
  return mounts
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type]) => type === 'tracefs')?.[1]
    ?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export function readMounts(): string {
  return readFileSync('/proc/self/mounts', 'utf8');
}
