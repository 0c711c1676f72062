import type { Fact, Reply } from '../types.js';

export function known<T>(value: T): Fact<T> {
  return { ok: true, value };
}

export function unknown<T>(why: string): Fact<T> {
  return { ok: false, why };
}

/** A fact from one reply. A parser that throws has met output it does not know: the fact is unknown, not wrong. */
export function fromReply<T>(reply: Reply, subject: string, parse: (text: string) => T): Fact<T> {
  if (!reply.ok) return unknown(`${subject}: ${reply.why}`);
  if (reply.truncated) return unknown(`${subject}: output is too long`);
  try {
    return known(parse(reply.text));
  } catch (error) {
    return unknown(`${subject}: output not understood (${error instanceof Error ? error.message.slice(0, 120) : 'no reason'})`);
  }
}
