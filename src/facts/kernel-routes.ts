import { z } from 'zod';
import { familyOf, isAddress } from '../net/address.js';
import { questionArguments } from '../path/questions.js';
import type { Fact, Host, RecordedRoute, Reply, RouteAnswer, RouteQuestion } from '../types.js';
import { known, unknown } from './fact.js';
import { parseList, tableName } from './iproute.js';

/** Asks the kernel itself, by `ip route get`: it decides, but nothing is sent. Questions that get no answer about routing are left out. */
export async function ask(host: Host, questions: readonly RouteQuestion[]): Promise<Fact<readonly RecordedRoute[]>> {
  const asked = questions.filter(isSound);
  const replies = await Promise.all(asked.map((question) => host({ run: ['ip', '-j', ...questionArguments(question)] })));
  const recorded = asked.flatMap((question, i): RecordedRoute[] => {
    const answer = replies[i] && parseAnswer(replies[i], question);
    return answer ? [{ question, answer }] : [];
  });
  const failed = replies.find((reply) => !reply.ok);
  return recorded.length === 0 && failed && !failed.ok ? unknown(`ip route get: ${failed.why}`) : known(recorded);
}

/** Words that `ip` would read as something else are never sent. */
function isSound({ to, from, iif }: RouteQuestion): boolean {
  return isAddress(to) && (from === undefined || isAddress(from)) && (iif === undefined || /^[^\s/-][^\s/]{0,14}$/.test(iif));
}

const entry = z.object({
  type: z.string().optional(),
  dev: z.string().optional(),
  gateway: z.string().optional(),
  via: z.object({ host: z.string() }).optional(),
  prefsrc: z.string().optional(),
  table: z.union([z.string(), z.number()]).optional(),
});

/** The answer, or undefined when `ip` failed for a reason that says nothing about the route (it is missing, it was too slow). */
export function parseAnswer(reply: Reply, question: RouteQuestion): RouteAnswer | undefined {
  if (!reply.ok) return errorAnswer(reply.why, question);
  try {
    const [found] = parseList(reply.text, entry);
    return found && positiveAnswer(found);
  } catch {
    return undefined;
  }
}

function positiveAnswer({ type = 'unicast', dev, gateway, via, prefsrc, table }: z.infer<typeof entry>): RouteAnswer | undefined {
  const next = gateway ?? via?.host;
  const from = table === undefined ? {} : { table: tableName(table) };
  if (type === 'local' || type === 'anycast') return { type: 'local', ...from };
  if (type === 'broadcast' || type === 'multicast') return { type };
  if (type === 'blackhole' || type === 'unreachable' || type === 'prohibit') return { type: 'error', error: 'refused', text: type };
  if (dev === undefined) return undefined;
  return {
    type: 'unicast',
    link: dev,
    ...(next === undefined ? {} : { via: next }),
    ...(prefsrc === undefined ? {} : { source: prefsrc }),
    ...from,
  };
}

/**
 * What rtnetlink answers (measured on 6.18, both families). blackhole is EINVAL, unreachable EHOSTUNREACH, prohibit EACCES; throw and nothing at all
 * are ENETUNREACH. An IPv4 packet that comes in adds two more meanings: EINVAL or (before 6.x) EXDEV from fib_validate_source(), and EHOSTUNREACH
 * where forwarding is off. A blackhole then cannot be told from source validation, and an unreachable route not from forwarding: the likelier is taken.
 */
function errorAnswer(why: string, { to, iif }: RouteQuestion): RouteAnswer | undefined {
  const [, text] = /^(?:ip: )?RTNETLINK answers: (.{1,200})$/.exec(why) ?? [];
  if (text === undefined) return undefined;
  const validated = iif !== undefined && familyOf(to) === 4;
  if (text === 'Invalid cross-device link') return { type: 'error', error: 'invalid-source', text };
  if (text === 'Invalid argument') return { type: 'error', error: validated ? 'invalid-source' : 'refused', text };
  if (text === 'No route to host') return { type: 'error', error: validated ? 'no-route' : 'refused', text };
  if (text === 'Network is unreachable') return { type: 'error', error: 'no-route', text };
  return text === 'Permission denied' ? { type: 'error', error: 'refused', text } : undefined;
}
