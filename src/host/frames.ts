import type { Query, Reply } from '../types.js';

/** Bytes of one answer; what is beyond is cut off and flagged. */
export const mostBytes = 8 * 1024 * 1024;
/** The line with the exit code must fit behind a full answer. */
const slack = 1024;
const defaultTimeoutMs = 5000;

/** Why a query cannot be sent, or undefined. One field is one line of the agent's input, so none may contain a line break or NUL. */
export function refusal(query: Query): string | undefined {
  const fields = 'run' in query ? query.run : 'read' in query ? [query.read] : 'glob' in query ? [query.glob] : [query.grep, query.in];
  if (fields.some((field) => /[\n\0]/.test(field))) return 'not asked: a line break or NUL in a question';
  if ('run' in query) return /^[^-]/.test(query.run[0] ?? '') ? undefined : 'not asked: no program named';
  if ('grep' in query) return query.in === '' ? 'not asked: no file named' : undefined;
  return fields[0] === '' ? 'not asked: no file named' : undefined;
}

/** The agent's whole input for one batch. `limitMs` bounds every query's own time. */
export function encode(queries: readonly Query[], nonce: string, limitMs: number): string {
  const lines = [nonce, String(mostBytes + slack), ...queries.flatMap((query) => fieldsOf(query, limitMs))];
  return `${lines.join('\n')}\n`;
}

function fieldsOf(query: Query, limitMs: number): string[] {
  const seconds = String(secondsFor(query, limitMs));
  if ('run' in query) return ['run', seconds, String(query.run.length), ...query.run];
  if ('glob' in query) return ['glob', query.glob];
  if ('grep' in query) return ['grep', seconds, query.grep, query.in];
  if (query.lastBytes === undefined) return ['read', seconds, query.read];
  const bytes = Math.min(Math.max(Math.trunc(query.lastBytes) || 0, 0), mostBytes);
  return ['tail', seconds, String(bytes), query.read];
}

/** Whole seconds, because busybox's timeout takes no others. */
function secondsFor(query: Query, limitMs: number): number {
  const own = 'run' in query ? (query.timeoutMs ?? defaultTimeoutMs) : defaultTimeoutMs;
  return Math.max(1, Math.ceil(Math.min(own, limitMs, 60_000) / 1000));
}

/** The answers that arrived whole, in the order of the queries; fewer than the queries when the agent was cut short. `started`: it said hello. */
export function decode(output: Buffer, queries: readonly Query[], nonce: string, limitMs: number): { started: boolean; replies: Reply[] } {
  const hello = Buffer.from(`\n${nonce} ready\n`);
  const end = Buffer.from(`\n${nonce} end\n`);
  const greeting = output.indexOf(hello);
  const replies: Reply[] = [];
  for (let from = greeting + hello.length; greeting >= 0 && replies.length < queries.length; ) {
    const to = output.indexOf(end, from);
    const query = queries[replies.length];
    if (to < 0 || !query) break;
    replies.push(decodeOne(output.subarray(from, to), query, nonce, secondsFor(query, limitMs)));
    from = to + end.length;
  }
  return { started: greeting >= 0, replies };
}

function decodeOne(frame: Buffer, query: Query, nonce: string, seconds: number): Reply {
  const mark = Buffer.from(`\n${nonce} code `);
  const at = frame.indexOf(mark);
  const text = frame.subarray(0, Math.min(at < 0 ? frame.length : at, mostBytes)).toString();
  if (at < 0 || at > mostBytes) return { ok: true, text, stderr: '', truncated: true };
  const rest = frame.subarray(at + mark.length).toString();
  const code = Number.parseInt(rest, 10);
  const stderr = rest.slice(rest.indexOf('\n') + 1);
  if (code === 0 || ('grep' in query && (code === 1 || text !== ''))) return { ok: true, text, stderr };
  return { ok: false, why: whyFailed(query, code, stderr, seconds), text };
}

function whyFailed(query: Query, code: number, stderr: string, seconds: number): string {
  if (code === 124 || code === 137) return `no answer within ${seconds} s`;
  if (code === 127 && 'run' in query) return `${query.run[0]}: not found`;
  const [first = ''] = stderr.split('\n').filter((line) => line.trim() !== '');
  return first.slice(0, 500) || `exit code ${code}`;
}
