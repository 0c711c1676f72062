import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import type { Host, Query, Reply } from '../types.js';
import { agent } from './agent.js';
import { decode, encode, refusal } from './frames.js';

/** Bytes of all answers of one batch. */
const mostBatchBytes = 64 * 1024 * 1024;

/** A command that runs `sh -c PROGRAM` on the host. */
export type Starter = (program: string) => readonly [string, ...string[]];

export interface ShellOptions {
  /** Milliseconds that one batch may take; 20000 when absent. */
  timeoutMs?: number;
  /** A better reason than the starter's own when the program did not even start. */
  explain?: (why: string) => string;
}

/** A host that is asked through a shell. Every batch is one process; batches of different ticks run side by side. */
export function shellHost(start: Starter, { timeoutMs = 20_000, explain = (why) => why }: ShellOptions = {}): Host {
  return batching(async (queries) => {
    const nonce = randomBytes(16).toString('hex');
    const outcome = await converse(start(agent), encode(queries, nonce, timeoutMs), timeoutMs);
    const { started, replies } = decode(outcome.stdout, queries, nonce, timeoutMs);
    const why = started ? outcome.why : explain(outcome.why);
    return queries.map((_, i) => replies[i] ?? { ok: false, why });
  });
}

/** Collects the queries of one tick. Those that cannot be sent are answered at once. */
function batching(ask: (queries: readonly Query[]) => Promise<readonly Reply[]>): Host {
  let waiting: { query: Query; settle: (reply: Reply) => void }[] = [];
  const flush = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    const failed = (error: unknown): Reply => ({ ok: false, why: error instanceof Error ? error.message : String(error) });
    const replies = await ask(batch.map(({ query }) => query)).catch((error) => batch.map(() => failed(error)));
    batch.forEach(({ settle }, i) => {
      settle(replies[i] ?? { ok: false, why: 'no answer' });
    });
  };
  return (query) => {
    const refused = refusal(query);
    if (refused !== undefined) return Promise.resolve({ ok: false, why: refused });
    return new Promise((settle) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ query, settle });
    });
  };
}

interface Outcome {
  stdout: Buffer;
  /** Why there is no more output than this. */
  why: string;
}

/** Runs one command with this input until it ends, falls silent beyond the deadline or says too much; then its whole process group is killed. */
async function converse([file, ...args]: readonly [string, ...string[]], input: string, timeoutMs: number): Promise<Outcome> {
  const child = execa(file, args, { input, buffer: false, reject: false, detached: true, encoding: 'buffer' });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let size = 0;
  const stopped = new Promise<string>((stop) => {
    const deadline = setTimeout(() => stop(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= mostBatchBytes) stdout.push(chunk);
      else stop('the answers are too long');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < 16) stderr.push(chunk);
    });
    const ended = (why: string) => {
      clearTimeout(deadline);
      stop(why);
    };
    child.then(
      ({ exitCode, shortMessage }) => ended(firstLine(stderr) || (exitCode === undefined ? (shortMessage ?? '') : `exit code ${exitCode}`)),
      (error) => ended(String(error)),
    );
  });
  const why = await stopped;
  if (child.pid !== undefined) killGroup(child.pid);
  child.stdout.destroy();
  child.stderr.destroy();
  return { stdout: Buffer.concat(stdout), why };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function firstLine(chunks: readonly Buffer[]): string {
  return (Buffer.concat(chunks).toString().trim().split('\n')[0] ?? '').slice(0, 500);
}
