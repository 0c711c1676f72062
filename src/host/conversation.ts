import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import type { Query, Reply } from '../types.js';
import { agent } from './agent.js';
import { cutOff, encode, mostBytes, replyTo, type Splitter, splitter } from './frames.js';

/** A command that runs `sh -c PROGRAM` on the host. */
export type Starter = (program: string) => readonly [string, ...string[]];

/** What came of one batch. Replies are in the order of the queries and may be fewer. */
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

/** An agent that was started on a host. It answers one batch after another, until an outcome other than `answered`. */
export interface Conversation {
  /** Never rejects. */
  ask(queries: readonly Query[], limits: Limits): Promise<Outcome>;
  /** False once the agent has ended. */
  readonly open: boolean;
}

/** An agent that nobody asks for so long (milliseconds) ends. */
const longestSilence = 5000;

/** Starts the agent on a host. It does not keep this process alive while nothing is asked, and ends with it: its input ends. */
export function converse(start: Starter): Conversation {
  // Output cannot forge a marker line, since it cannot know the nonce.
  const nonce = randomBytes(16).toString('hex');
  const [file, ...args] = start(agent);
  const child = spawn(file, args, { detached: true });
  const [output, errors] = [splitter(nonce), splitter(nonce)];
  let [size, greeted] = [0, false];
  let ended: string | undefined;
  let changed = (): void => undefined;
  const becomeSilent = (): NodeJS.Timeout => setTimeout(() => child.stdin.end(), longestSilence).unref();
  let silence = becomeSilent();

  const listen = (stream: Splitter) => (chunk: Buffer) => {
    size += chunk.length;
    stream.push(chunk);
    changed();
  };
  const end = (why: string): void => {
    ended ??= why;
    changed();
  };
  child.stdout.on('data', listen(output));
  child.stderr.on('data', listen(errors));
  child.on('error', ({ message }) => end(message));
  child.on('close', (code, signal) => end(code === null ? `ended by ${signal}` : `exit code ${code}`));
  // An agent that has ended reads no more: why it has is told by the events above.
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${nonce}\n`);
  hold(child, false);

  const wait = (answers: number, deadlineMs: number): Promise<string> =>
    new Promise((resolve) => {
      const deadline = setTimeout(() => end(`no answer within ${Math.ceil(deadlineMs / 1000)} s`), deadlineMs);
      changed = () => {
        const isLong = [output, errors].some((stream) => stream.rest().length > mostBytes);
        const isWhole = [output, errors].every((stream) => stream.parts.length === answers);
        if (ended === undefined && !isLong && !isWhole) return;
        changed = () => undefined;
        clearTimeout(deadline);
        resolve(ended ?? '');
      };
      changed();
    });

  return {
    get open() {
      return ended === undefined;
    },
    async ask(queries, { deadlineMs, queryMs }) {
      clearTimeout(silence);
      hold(child, true);
      size = 0;
      child.stdin.write(encode(queries, queryMs));
      const why = await wait(queries.length + (greeted ? 0 : 1), deadlineMs);
      const parts = [output, errors].map((stream) => stream.parts.splice(0));
      // The first part of each stream is the greeting, behind whatever the way to the host printed.
      const greetings = greeted ? [] : parts.flatMap((some) => some.splice(0, 1));
      greeted ||= greetings.length === 2;
      const outcome = { ...judge(queries, parts, [output, errors], { greeted, queryMs, why }), size };
      if (outcome.end === 'answered') {
        silence = becomeSilent();
        hold(child, false);
      } else {
        end(why || 'its answers were too long');
        destroy(child);
      }
      return outcome;
    },
  };
}

/** Whether the child and its streams keep this process alive. */
function hold(child: ChildProcessWithoutNullStreams, held: boolean): void {
  const streams = [child.stdin, child.stdout, child.stderr].filter((stream) => stream instanceof Socket);
  for (const part of [child, ...streams]) held ? part.ref() : part.unref();
}

interface Heard {
  greeted: boolean;
  queryMs: number;
  why: string;
}

function judge(
  queries: readonly Query[],
  [texts = [], complaints = []]: readonly Buffer[][],
  streams: readonly Splitter[],
  { greeted, queryMs, why }: Heard,
): Omit<Outcome, 'size'> {
  const [output, errors] = streams.map((stream) => stream.rest());
  if (!greeted) return { replies: [], end: 'not-started', why: saidBy(errors) || why };
  const replies = queries
    .slice(0, Math.min(texts.length, complaints.length))
    .map((query, i) => replyTo(query, texts[i] ?? Buffer.alloc(0), complaints[i] ?? Buffer.alloc(0), queryMs));
  if (replies.length === queries.length) return { replies, end: 'answered', why };
  if ([output, errors].every((rest) => (rest?.length ?? 0) <= mostBytes)) return { replies, end: 'started', why };
  return { replies: [...replies, cutOff(output ?? Buffer.alloc(0))], end: 'too-long', why };
}

/** Kills the whole process group, and hears no more of it. */
function destroy(child: ChildProcessWithoutNullStreams): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
  child.stdin.destroy();
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
}

/** What came instead of a greeting: the way to the host may have said why. */
function saidBy(errors: Buffer | undefined): string {
  return (errors ?? Buffer.alloc(0)).subarray(0, 4000).toString().trim();
}
