import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import type { Query, Reply } from '../types.js';
import { agent } from './agent.js';
import { cutOff, encode, mostBytes, replyTo, type Splitter, splitter } from './frames.js';

/** A command that runs `sh -c PROGRAM` on the host. */
export type Starter = (program: string) => readonly [string, ...string[]];

/** What came of one start of the agent. Replies are in the order of the queries and may be fewer. */
export interface Outcome {
  replies: Reply[];
  /** `started`: the agent said hello. `too-long`: one answer was, and has been cut off; the queries behind it were not asked. */
  end: 'answered' | 'started' | 'too-long' | 'not-started';
  /** Why there are no more replies than these. */
  why: string;
  /** Bytes received. */
  size: number;
}

export interface Limits {
  /** Milliseconds until the whole process group is killed. */
  deadlineMs: number;
  /** Milliseconds that each query may take, at most. */
  queryMs: number;
}

/** Starts the agent on a host and puts the queries to it. Never rejects. */
export async function converse(start: Starter, queries: readonly Query[], { deadlineMs, queryMs }: Limits): Promise<Outcome> {
  // Output cannot forge a marker line, since it cannot know the nonce.
  const nonce = randomBytes(16).toString('hex');
  const [file, ...args] = start(agent);
  const child = execa(file, args, {
    input: encode(queries, nonce, queryMs),
    buffer: false,
    reject: false,
    detached: true,
    encoding: 'buffer',
    stripFinalNewline: false,
  });
  const [output, errors] = [splitter(nonce), splitter(nonce)];
  let size = 0;
  const why = await new Promise<string>((stop) => {
    const deadline = setTimeout(() => stop(`no answer within ${Math.ceil(deadlineMs / 1000)} s`), deadlineMs);
    const listen = (stream: Splitter) => (chunk: Buffer) => {
      size += chunk.length;
      stream.push(chunk);
      if (stream.rest().length > mostBytes || output.parts.length + errors.parts.length === 2 * (queries.length + 1)) stop('');
    };
    child.stdout.on('data', listen(output));
    child.stderr.on('data', listen(errors));
    child
      .then(({ exitCode, shortMessage }) => stop(exitCode === undefined ? (shortMessage ?? 'it did not start') : `exit code ${exitCode}`))
      .finally(() => clearTimeout(deadline));
  });
  if (child.pid !== undefined) killGroup(child.pid);
  child.stdout.destroy();
  child.stderr.destroy();
  return { ...judge(queries, output, errors, queryMs, why), size };
}

function judge(queries: readonly Query[], output: Splitter, errors: Splitter, queryMs: number, why: string): Omit<Outcome, 'size'> {
  // The first part of each stream is the greeting, behind whatever the way to the host printed.
  const whole = Math.min(output.parts.length, errors.parts.length) - 1;
  const replies = queries
    .slice(0, Math.max(whole, 0))
    .map((query, i) => replyTo(query, output.parts[i + 1] ?? Buffer.alloc(0), errors.parts[i + 1] ?? Buffer.alloc(0), queryMs));
  if (whole < 0) return { replies, end: 'not-started', why: firstLine(errors.rest()) || why };
  if (replies.length === queries.length) return { replies, end: 'answered', why };
  if (Math.max(output.rest().length, errors.rest().length) <= mostBytes) return { replies, end: 'started', why };
  return { replies: [...replies, cutOff(output.rest())], end: 'too-long', why };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function firstLine(text: Buffer): string {
  return (text.toString().trim().split('\n')[0] ?? '').slice(0, 500);
}
