import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { commandIn, type LiveTarget } from '../host/target.js';
import { keeper, patienceSeconds, signEverySeconds } from './keeper.js';
import { lines } from './lines.js';

/** A command on a host that goes on until it is told to end. */
export interface Kept {
  /** How it ended, by itself or not: `ended with exit code 1`. Never rejects. */
  ended: Promise<string>;
  /** Tells it to end; it is killed when it takes too long. May be called again. */
  finish(): void;
}

export interface Heard {
  /** Its standard output, in chunks of any size. */
  bytes(chunk: Uint8Array): void;
  /** A line of its standard error. */
  line(text: string): void;
}

/** Starts a command that ends on SIGTERM. It ends with this process, and with the connection to its host. `stopMs` is what it may take to end, in milliseconds. */
export function startKept(target: LiveTarget, words: readonly [string, ...string[]], heard: Heard, stopMs: number): Kept {
  const isFar = target.kind === 'ssh';
  const [file, ...args] = commandIn(target, ['sh', '-c', keeper, 'sh', String(isFar ? patienceSeconds : 0), ...words]);
  // In a session of its own, which Ctrl-C on the terminal does not reach: it ends when it is told to.
  const child = spawn(file, args, { detached: true });
  const signs = isFar ? setInterval(() => child.stdin.write('\n'), signEverySeconds * 1000).unref() : undefined;
  const hear = lines(heard.line);
  child.stdout.on('data', heard.bytes);
  child.stderr.on('data', hear);
  // One that has ended reads no more: why it has is told by the events below.
  child.stdin.on('error', () => undefined);
  let failure: string | undefined;
  child.on('error', ({ message }) => {
    failure = `did not start: ${message}`;
  });
  const ended = new Promise<string>((resolve) => {
    child.on('close', (code, signal) => {
      clearInterval(signs);
      hear(undefined);
      resolve(failure ?? (code === null ? `was ended by ${signal}` : `ended with exit code ${code}`));
    });
  });
  return {
    ended,
    finish: () => {
      clearInterval(signs);
      child.stdin.end();
      setTimeout(() => destroy(child), stopMs).unref();
    },
  };
}

/** Kills the whole process group, and hears no more of it. */
function destroy(child: ChildProcessWithoutNullStreams): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
  child.stdout.destroy();
  child.stderr.destroy();
}
