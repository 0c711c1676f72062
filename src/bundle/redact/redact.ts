import type { Recording } from '../../host/recording.js';
import type { Query, Reply, Snapshot } from '../../types.js';
import { redactLog } from './logs.js';
import { isSecretName, redacted } from './names.js';
import { redactText } from './text.js';

/** The one place where secrets are taken out: raw answers and what was made of them go through the same rules, so that both say the same. */
export function redactRecording(recording: Recording): Recording {
  return recording.map(({ query, reply, ...rest }) => ({ ...rest, query: redactDeep(query) as Query, reply: redactReply(query, reply) }));
}

export function redactSnapshot(snapshot: Snapshot): Snapshot {
  return { ...snapshot, facts: redactDeep(snapshot.facts) as Snapshot['facts'] };
}

function redactReply(query: Query, reply: Reply): Reply {
  // Only logs are asked for their end.
  const redactOwn = 'read' in query && query.lastBytes !== undefined ? redactLog : redactText;
  if (!reply.ok) return { ...reply, why: redactText(reply.why), ...(reply.text === undefined ? {} : { text: redactOwn(reply.text) }) };
  return { ...reply, text: redactOwn(reply.text), stderr: redactText(reply.stderr) };
}

/** Every text in a value of plain data; also what a telling key holds. */
export function redactDeep(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return isSecretName(key) ? redacted : redactText(value);
  if (Array.isArray(value)) return value.map((each) => redactDeep(each, key));
  if (typeof value !== 'object' || value === null) return value;
  // What stood under a foreign name keeps having no prototype.
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(value));
  for (const [name, each] of Object.entries(value)) copy[name] = redactDeep(each, name);
  return copy;
}
