import type { Query, Reply } from '../types.js';

/** Bytes of one answer; what is beyond is cut off and flagged. */
export const mostBytes = 8 * 1024 * 1024;
const mostErrorBytes = 64 * 1024;
const defaultTimeoutMs = 5000;

/** Why a query cannot be sent, or undefined. One field is one line of the agent's input, so none may contain a line break or NUL. */
export function refusal(query: Query): string | undefined {
  const fields = 'run' in query ? query.run : 'read' in query ? [query.read] : 'glob' in query ? [query.glob] : [query.in, query.grep];
  if (fields.some((field) => /[\n\0]/.test(field))) return 'not asked: a line break or NUL in a question';
  if ('run' in query) return /^[^-]/.test(query.run[0] ?? '') ? undefined : 'not asked: no program named';
  return fields[0] === '' ? 'not asked: no file named' : undefined;
}

/** The agent's input for one batch. `limitMs` bounds every query's own time. */
export function encode(queries: readonly Query[], limitMs: number): string {
  return [...queries.flatMap((query) => fieldsOf(query, limitMs)), ''].join('\n');
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

/** Whole seconds, because busybox's timeout takes no others; 0 for a program that only the batch's deadline bounds. */
function secondsFor(query: Query, limitMs: number): number {
  const own = 'run' in query ? query.timeoutMs : defaultTimeoutMs;
  if (own === undefined) return 0;
  return Math.max(1, Math.ceil(Math.min(own, limitMs, 60_000) / 1000));
}

/** Cuts one stream of the agent into the parts in front of its marker lines. */
export interface Splitter {
  /** Whole parts that nobody has taken yet. */
  readonly parts: Buffer[];
  /** What came behind the last marker. */
  rest(): Buffer;
  push(chunk: Buffer): void;
}

export function splitter(nonce: string): Splitter {
  const marker = Buffer.from(`\n${nonce}\n`);
  const parts: Buffer[] = [];
  let rest: Buffer = Buffer.alloc(0);
  return {
    parts,
    rest: () => rest,
    push(chunk) {
      let from = Math.max(0, rest.length - marker.length + 1);
      rest = Buffer.concat([rest, chunk]);
      for (let at = rest.indexOf(marker, from); at >= 0; at = rest.indexOf(marker, from)) {
        parts.push(rest.subarray(0, at));
        rest = rest.subarray(at + marker.length);
        from = 0;
      }
    },
  };
}

/** The reply that a query's output, and its errors with the exit code as the last line, amount to. */
export function replyTo(query: Query, output: Buffer, errors: Buffer, limitMs: number): Reply {
  if (output.length > mostBytes) return cutOff(output);
  const text = output.toString();
  const line = errors.lastIndexOf('\n');
  const code = Number.parseInt(errors.subarray(line + 1).toString(), 10);
  const stderr = errors.subarray(0, Math.min(Math.max(line, 0), mostErrorBytes)).toString();
  if (code === 0 || ('grep' in query && hasSearched(query.in, code, text, stderr))) return { ok: true, text, stderr };
  return { ok: false, why: whyFailed(query, code, stderr, secondsFor(query, limitMs)), text };
}

/**
 * grep exits with 1 when nothing matched and with 2 when some file could not be read. Of files that a pattern found, one that is gone now
 * (a process has ended) is no failure, and one that may not be read is none when others matched.
 */
function hasSearched(pattern: string, code: number, text: string, stderr: string): boolean {
  if (code !== 2) return code === 1;
  const lines = stderr.split('\n').filter((line) => line !== '');
  return text !== '' || (/[*?[]/.test(pattern) && lines.every((line) => /: No such (?:file or directory|process)$/.test(line)));
}

/** The reply when there was more output than is kept. */
export function cutOff(output: Buffer): Reply {
  return { ok: true, text: output.subarray(0, mostBytes).toString(), stderr: '', truncated: true };
}

/** coreutils' timeout exits with 124, after its second signal with 137; busybox's leaves the status of a program that SIGTERM ended. */
const timedOut = new Set([124, 137, 143]);

function whyFailed(query: Query, code: number, stderr: string, seconds: number): string {
  if (seconds > 0 && timedOut.has(code)) return `no answer within ${seconds} s`;
  if (code === 127 && 'run' in query) return `${query.run[0]}: not found`;
  const first = stderr.split('\n').find((line) => line.trim() !== '');
  return first?.slice(0, 500) ?? `exit code ${code}`;
}
