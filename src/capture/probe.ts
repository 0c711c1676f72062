import { isMissing } from '../facts/netfilter/presence.js';
import type { Host, Reply } from '../types.js';
import { carriers } from './probe/carriers.js';
import { readAnswer } from './probe/payload.js';
import type { ProbePlan, ProbeRequest } from './probe/plan.js';

export { type ProbeCase, type ProbeOptions, type ProbePlan, type ProbeRequest, planProbe } from './probe/plan.js';

/** What came of the requests of one plan. Sent are those that were answered, rejected or met silence. */
export interface ProbeResult {
  plan: ProbePlan;
  sent: number;
  answered: number;
  /** Connections refused, reset or closed without a word, ICMP errors, and server errors of http: nginx's "no". */
  rejected: number;
  /** No answer in time, which is right where a service does not answer what it does not understand. */
  silent: number;
  /** How often what was said: `HTTP 200`, `DNS NXDOMAIN`, `ECONNREFUSED`. */
  said: ReadonlyMap<string, number>;
  /** Why some were not sent. */
  why?: string;
}

export interface ProbePace {
  /** Milliseconds between two requests. */
  gapMs?: number;
  /** Milliseconds that each answer may take. */
  limitMs?: number;
  /** Names of the interpreters that may send, for a test of each; all when absent. */
  through?: readonly string[];
}

/** How one request ended. */
type Outcome = { is: 'answered' | 'rejected' | 'silent' | 'unsent'; text: string };

/**
 * Sends the requests of plans for one host, those of the services in turn, and waits for their answers. The host needs node, python3 or bash.
 * Forty requests take eight seconds, so the host's own time limit must be longer.
 */
export async function sendProbe(host: Host, plans: readonly ProbePlan[], pace: ProbePace = {}): Promise<ProbeResult[]> {
  const { gapMs = 125, limitMs = 2000, through } = pace;
  const requests = inTurn(plans);
  if (requests.length === 0) return [];
  const words = requests.flatMap(({ plan, request }) => wordsOf(plan, request));
  const timeoutMs = requests.length * gapMs + limitMs + 5000;
  const able = carriers.filter(({ name }) => through?.includes(name) ?? true);
  const why = `nothing there can send requests: ${able.map(({ name }) => name).join(', ')} not found`;
  let reply: Reply = { ok: false, why };
  for (const { command } of able) {
    const answer = await host({ run: [...command, String(gapMs), String(limitMs), ...words], timeoutMs });
    if (isMissing(answer)) continue;
    reply = answer;
    break;
  }
  const told = parseTold(reply.text ?? '');
  const unheard: Outcome = { is: 'unsent', text: reply.ok ? 'nothing was heard of it' : reply.why };
  const outcomes = requests.map(({ plan }, i) => ({ plan, outcome: outcomeOf(plan, told.get(i)) ?? unheard }));
  return plans.map((plan) =>
    summed(
      plan,
      outcomes.flatMap((one) => (one.plan === plan ? one.outcome : [])),
    ),
  );
}

/** One request of each plan, then the next of each. */
function inTurn(plans: readonly ProbePlan[]): { plan: ProbePlan; request: ProbeRequest }[] {
  const longest = Math.max(0, ...plans.map(({ requests }) => requests.length));
  return Array.from({ length: longest }, (_, i) =>
    plans.flatMap((plan) => {
      const request = plan.requests[i];
      return request ? { plan, request } : [];
    }),
  ).flat();
}

function wordsOf({ speaks, source = '', destination, port }: ProbePlan, { payload }: ProbeRequest): string[] {
  const hex = Array.from(payload, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [speaks === 'dns' || speaks === 'udp' ? 'udp' : 'tcp', source, destination, String(port), hex];
}

/** The line of each request, by its number. */
export function parseTold(text: string): ReadonlyMap<number, string> {
  const lines = text.split('\n').map((line) => /^(\d{1,3}) (.{1,2000})$/.exec(line));
  return new Map(lines.flatMap((found): [number, string][] => (found?.[2] === undefined ? [] : [[Number(found[1]), found[2]]])));
}

/** What another machine said to it, or this one because of that. */
const refusals = /^(?:ECONNREFUSED|ECONNRESET|EPIPE|EHOSTUNREACH|Connection refused|Connection reset by peer|No route to host)$/;

function outcomeOf({ speaks }: ProbePlan, line: string | undefined): Outcome | undefined {
  const [, verdict, rest = ''] = /^(got|none|closed|error)(?: (.*))?$/.exec(line ?? '') ?? [];
  switch (verdict) {
    case 'got': {
      const { text, refused } = readAnswer(speaks, bytesOf(rest));
      return { is: refused ? 'rejected' : 'answered', text };
    }
    case 'none':
      return { is: 'silent', text: 'no answer' };
    case 'closed':
      return { is: 'rejected', text: 'closed without an answer' };
    case 'error':
      return { is: refusals.test(rest) ? 'rejected' : rest === 'ETIMEDOUT' ? 'silent' : 'unsent', text: rest.slice(0, 200) };
    default:
      return undefined;
  }
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/[\da-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16));
}

function summed(plan: ProbePlan, outcomes: readonly Outcome[]): ProbeResult {
  const count = (is: Outcome['is']) => outcomes.filter((outcome) => outcome.is === is).length;
  const [answered, rejected, silent] = [count('answered'), count('rejected'), count('silent')];
  const said = new Map<string, number>();
  for (const { is, text } of outcomes) if (is !== 'unsent') said.set(text, (said.get(text) ?? 0) + 1);
  const why = outcomes.find(({ is }) => is === 'unsent')?.text;
  return { plan, sent: answered + rejected + silent, answered, rejected, silent, said, ...(why === undefined ? {} : { why }) };
}
