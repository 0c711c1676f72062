import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as addresses from '../../src/facts/addresses.js';
import * as links from '../../src/facts/links.js';
import * as policyRules from '../../src/facts/policy-rules.js';
import * as routes from '../../src/facts/routes.js';
import * as sysctls from '../../src/facts/sysctls.js';
import { familyOf } from '../../src/net/address.js';
import { canonicalQuestion } from '../../src/path/questions.js';
import { decideRoute, type RouteDecision, type RoutingState } from '../../src/path/routing.js';
import type { Fact, Host, RouteAnswer, RouteQuestion } from '../../src/types.js';
import { withHost } from './routing-kernel/lab.js';
import { askKernel } from './routing-kernel/oracle.js';
import { type RandomHost, randomHost } from './routing-kernel/random-host.js';

/** More, or others, with COMPARISONS and SEED in the environment. */
const comparisons = Number(process.env.COMPARISONS ?? 10_000);
const seed = Number(process.env.SEED ?? 7);
const questionsOfFamily = 80;
const rounds = Math.ceil(comparisons / (2 * questionsOfFamily));

function factValue<T>(fact: Fact<T>): T {
  if (!fact.ok) throw new Error(fact.why);
  return fact.value;
}

/** The kernel adds the local routes of IPv6 addresses a moment later (addrconf_dad_work()). */
async function settledState(host: Host): Promise<RoutingState> {
  for (let tries = 0; ; tries++) {
    const state = await stateOf(host);
    const ready = new Set(state.links.filter(({ state }) => state === 'UP').map(({ name }) => name));
    const waits = state.addresses.some(
      ({ family, link, address }) =>
        family === 6 && ready.has(link) && !state.routes.some(({ table, to }) => table === 'local' && to === `${address}/128`),
    );
    if (!waits) return state;
    if (tries === 50) throw new Error('addresses without local routes');
    await setTimeout(50);
  }
}

async function stateOf(host: Host): Promise<RoutingState> {
  const [rules, table, own, devices, settings] = await Promise.all([
    policyRules.read(host),
    routes.read(host),
    addresses.read(host),
    links.read(host),
    sysctls.read(host),
  ]);
  return {
    policyRules: factValue(rules),
    routes: factValue(table),
    addresses: factValue(own),
    links: factValue(devices),
    sysctls: factValue(settings),
  };
}

/** What rtnetlink may say of a decision: the same errno has several causes, see errorAnswer() of the reader; of several next hops it takes any. */
function said({ possible, result }: RouteDecision): string[] {
  return possible.map((answer) => {
    if (answer.type !== 'error') return describe(answer);
    if (answer.error === 'invalid-source') return 'Invalid argument';
    if (answer.error === 'no-route' || result.found !== 'refusal') return answer.text;
    const refusals: Record<string, string> = { blackhole: 'Invalid argument', prohibit: 'Permission denied' };
    return refusals[answer.text] ?? (result.route ? 'No route to host' : 'Network is unreachable');
  });
}

/** Without the source, which the kernel chooses and the model only repeats, and without the table, which the kernel does not always tell. */
function describe(answer: RouteAnswer): string {
  if (answer.type === 'error') return answer.text;
  return answer.type === 'unicast' ? `${answer.link} ${answer.via ?? ''}` : answer.type;
}

/** The decisions of one host, by kind of answer. */
async function compare(made: RandomHost, index: number): Promise<string[]> {
  return withHost(index, made, async (host, namespace) => {
    const state = await settledState(host);
    const answers = askKernel(namespace, made.questions);
    return made.questions.map((question, nth) => {
      const answer = answers[nth];
      const about = { round: index, seed, asked: canonicalQuestion(question) };
      const decision = decideRoute(state, question);
      const foreseen = said(decision);
      expect(answer && { ...about, says: describe(answer) }, told(made, question, decision)).toEqual({
        ...about,
        says: foreseen.length === 0 ? expect.anything() : expect.toBeOneOf(foreseen),
      });
      if (foreseen.length === 0) return 'unknown';
      if (new Set(foreseen).size > 1) return 'one of several hops';
      return answer?.type === 'error' ? answer.error : (answer?.type ?? 'unanswered');
    });
  });
}

/** All that one needs to repeat a disagreement by hand. */
function told(made: RandomHost, question: RouteQuestion, decision: RouteDecision): string {
  return [
    `SEED=${seed}${made.cut ? ', ld is down' : ''}`,
    ...made.sysctls,
    ...made.commands[familyOf(question.to) ?? 4],
    canonicalQuestion(question),
    JSON.stringify(decision.result),
  ].join('\n');
}

const kinds = ['unicast', 'one of several hops', 'local', 'broadcast', 'no-route', 'refused', 'invalid-source'];

test(
  'routing decisions and source validation agree with the kernel for random hosts',
  async () => {
    const seen = new Map<string, number>();
    for (const [index, made] of fc.sample(randomHost(questionsOfFamily), { seed, numRuns: rounds }).entries())
      for (const kind of await compare(made, index)) seen.set(kind, (seen.get(kind) ?? 0) + 1);
    const total = [...seen.values()].reduce((sum, count) => sum + count, 0);
    console.log(`routing against the kernel: ${total} comparisons, ${[...seen].map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
    expect(total).toBeGreaterThanOrEqual(comparisons);
    expect((seen.get('unknown') ?? 0) / total).toBeLessThan(0.02);
    for (const kind of kinds) expect({ kind, often: (seen.get(kind) ?? 0) >= comparisons / 1000 }).toEqual({ kind, often: true });
  },
  30_000 + comparisons * 20,
);
