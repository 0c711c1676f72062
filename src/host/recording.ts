import type { Host, Query, Reply } from '../types.js';

/** Every question and its answer, in the order of the questions; plain JSON. `tookMs`: until the answer was there. */
export type Recording = readonly { query: Query; reply: Reply; tookMs?: number }[];

/** A host that answers as before and keeps what was said. */
export function record(host: Host): { host: Host; recording(): Recording } {
  const entries: { query: Query; reply?: Reply; tookMs: number }[] = [];
  return {
    host: async (query) => {
      const entry: (typeof entries)[number] = { query, tookMs: 0 };
      entries.push(entry);
      const asked = Date.now();
      const reply = await host(query);
      entry.reply = reply;
      // Somebody may have set the clock meanwhile.
      entry.tookMs = Math.max(0, Date.now() - asked);
      return reply;
    },
    recording: () => entries.flatMap(({ query, reply, tookMs }) => (reply ? [{ query, reply, tookMs }] : [])),
  };
}

/** A host that repeats a recording. A question asked several times gets its answers in turn, then the last one again. */
export function replay(recording: Recording): Host {
  const answers = new Map<string, Reply[]>();
  for (const { query, reply } of recording) answers.set(keyOf(query), [...(answers.get(keyOf(query)) ?? []), reply]);
  return async (query) => {
    const replies = answers.get(keyOf(query));
    const [reply] = replies ?? [];
    if (replies && replies.length > 1) replies.shift();
    return reply ?? { ok: false, why: 'not in the recording' };
  };
}

/** The same question in the same words, whatever the order of its fields. */
function keyOf(query: Query): string {
  if ('run' in query) return JSON.stringify(['run', query.timeoutMs ?? null, ...query.run]);
  if ('read' in query) return JSON.stringify(['read', query.lastBytes ?? null, query.read]);
  if ('glob' in query) return JSON.stringify(['glob', query.glob]);
  return JSON.stringify(['grep', query.grep, query.in]);
}
