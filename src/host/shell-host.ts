import type { Host, Query, Reply } from '../types.js';
import { type Conversation, converse, type Starter } from './conversation.js';
import { refusal } from './frames.js';

/** Bytes of all answers of one batch. */
const mostBatchBytes = 64 * 1024 * 1024;
const defaultTimeoutMs = 20_000;

export interface ShellOptions {
  /** Milliseconds that a batch may take, each of its queries at most, and a connection to be made; 20000 when absent. A host that exceeds them is asked no more. */
  timeoutMs?: number;
  /** Made before anything is asked. */
  connection?: Way;
  /** One line, a better reason than what the starter said when the program did not even start. */
  explain?: (said: string) => string;
}

/** A connection that programs run through. Both resolve to the reason where there is none. */
interface Way {
  /** Makes it, or waits until it is made, at most so many milliseconds. */
  open(limitMs: number): Promise<string | undefined>;
  /** Whether it has just been lost. */
  loss(): Promise<string | undefined>;
}

/**
 * A host that is asked through a shell. Batches of different ticks run side by side, each in a shell of its own; a shell that has answered
 * takes the next batch, since starting one costs as much as a dozen questions.
 */
export function shellHost(start: Starter, { timeoutMs = defaultTimeoutMs, connection, explain = firstLine }: ShellOptions = {}): Host {
  let gone: string | undefined;
  const idle: Conversation[] = [];
  // Over a connection, a shell costs three round trips: a second one is started beside the first, for the batch that will not wait for another.
  let spares = connection === undefined ? 0 : 1;
  return batching(async (queries) => {
    if (gone !== undefined) return queries.map(() => ({ ok: false, why: gone ?? '' }));
    const unreached = await connection?.open(timeoutMs);
    const deadline = Date.now() + timeoutMs;
    const replies: Reply[] = [];
    let why = unreached === undefined ? '' : explain(unreached);
    // An answer that is too long costs its batch the process: the rest is asked anew.
    for (let size = 0; replies.length < queries.length && why === ''; ) {
      const limits = { deadlineMs: Math.max(deadline - Date.now(), 1), queryMs: timeoutMs };
      const conversation = takeOpen(idle) ?? converse(start);
      for (; spares > 0; spares--) idle.push(converse(start));
      const outcome = await conversation.ask(queries.slice(replies.length), limits);
      if (outcome.end === 'answered') idle.push(conversation);
      replies.push(...outcome.replies);
      size += outcome.size;
      const lost = outcome.end === 'answered' ? undefined : await connection?.loss();
      if (outcome.end === 'not-started' || lost !== undefined) why = explain(lost ?? outcome.why);
      else if (outcome.end === 'started')
        why = deadline <= Date.now() ? `no answer within ${timeoutMs / 1000} s` : `the shell there ended early (${outcome.why})`;
      else if (size > mostBatchBytes) why = 'not asked: the answers to other questions were too long';
    }
    if (why !== '' && deadline <= Date.now()) gone = why;
    return queries.map((_, i) => replies[i] ?? { ok: false, why });
  });
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 500);
}

function takeOpen(idle: Conversation[]): Conversation | undefined {
  const last = idle.pop();
  return last === undefined || last.open ? last : takeOpen(idle);
}

type Ask = (queries: readonly Query[]) => Promise<readonly Reply[]>;

/** Collects the queries of one tick; the same question is asked once. Those that cannot be sent are answered at once. */
function batching(ask: Ask): Host {
  let waiting = new Map<string, { query: Query; reply: Promise<Reply>; settle: (reply: Reply) => void }>();
  const flush = async (): Promise<void> => {
    const batch = [...waiting.values()];
    waiting = new Map();
    const replies = await ask(batch.map(({ query }) => query)).catch((error: unknown) => [failed(error)]);
    batch.forEach(({ settle }, i) => {
      settle(replies[i] ?? replies[0] ?? failed('no reply'));
    });
  };
  return (query) => {
    const refused = refusal(query);
    if (refused !== undefined) return Promise.resolve({ ok: false, why: refused });
    const key = JSON.stringify(query);
    const asked = waiting.get(key);
    if (asked) return asked.reply;
    if (waiting.size === 0) setImmediate(flush);
    let settle: (reply: Reply) => void = () => undefined;
    const reply = new Promise<Reply>((resolve) => {
      settle = resolve;
    });
    waiting.set(key, { query, reply, settle });
    return reply;
  };
}

function failed(error: unknown): Reply {
  return { ok: false, why: `tpdoctor's own error: ${error instanceof Error ? error.message : String(error)}` };
}
