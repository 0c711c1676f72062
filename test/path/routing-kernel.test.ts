import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as addresses from '../../src/facts/addresses.js';
import { ask } from '../../src/facts/kernel-routes.js';
import * as links from '../../src/facts/links.js';
import * as policyRules from '../../src/facts/policy-rules.js';
import * as routes from '../../src/facts/routes.js';
import * as sysctls from '../../src/facts/sysctls.js';
import { familyOf } from '../../src/net/address.js';
import { canonicalQuestion } from '../../src/path/questions.js';
import { decideRoute, type RouteDecision, type RoutingState } from '../../src/path/routing.js';
import type { Fact, Host, RouteAnswer, RouteQuestion } from '../../src/types.js';
import { withHost } from './routing-kernel/lab.js';
import { type RandomHost, randomHost } from './routing-kernel/random-host.js';

/** More, or others, with COMPARISONS and SEED in the environment. */
const comparisons = Number(process.env.COMPARISONS ?? 1600);
const seed = Number(process.env.SEED ?? 7);
const questionsOfFamily = 40;
const rounds = Math.ceil(comparisons / (2 * questionsOfFamily));

function factValue<T>(fact: Fact<T>): T {
  if (!fact.ok) throw new Error(fact.why);
  return fact.value;
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

/** What rtnetlink says of a decision: the same errno has several causes, see errorAnswer() of the reader. */
function said({ answer, result }: RouteDecision): string {
  if (answer?.type !== 'error') return answer === undefined ? 'not certain' : describe(answer);
  if (answer.error === 'invalid-source') return 'Invalid argument';
  if (answer.error === 'no-route' || result.found !== 'refusal') return answer.text;
  const refusals: Record<string, string> = { blackhole: 'Invalid argument', prohibit: 'Permission denied' };
  return refusals[answer.text] ?? (result.route ? 'No route to host' : 'Network is unreachable');
}

/** Without the source, which the kernel chooses and the model only repeats, and without the table, which the kernel does not always tell. */
function describe(answer: RouteAnswer): string {
  if (answer.type === 'error') return answer.text;
  return answer.type === 'unicast' ? `${answer.link} ${answer.via ?? ''}` : answer.type;
}

/** The decisions of one host, by kind of answer. */
async function compare(made: RandomHost, index: number): Promise<string[]> {
  return withHost(index, made, async (host) => {
    const state = await stateOf(host);
    const recorded = factValue(await ask(host, made.questions));
    const about = { round: index, seed };
    expect({ ...about, answered: recorded.length }).toEqual({ ...about, answered: made.questions.length });
    return recorded.map(({ question, answer }) => {
      const decision = decideRoute(state, question);
      const asked = canonicalQuestion(question);
      expect({ ...about, asked, says: said(decision) }, told(made, question, decision)).toEqual({
        ...about,
        asked,
        says: describe(answer),
      });
      return answer.type === 'error' ? answer.error : answer.type;
    });
  });
}

/** All that one needs to repeat a disagreement by hand. */
function told(made: RandomHost, question: RouteQuestion, decision: RouteDecision): string {
  return [...made.sysctls, ...made.commands[familyOf(question.to) ?? 4], canonicalQuestion(question), JSON.stringify(decision.result)].join(
    '\n',
  );
}

test(
  'routing decisions and source validation agree with the kernel for random hosts',
  async () => {
    const seen = new Map<string, number>();
    for (const [index, made] of fc.sample(randomHost(questionsOfFamily), { seed, numRuns: rounds }).entries())
      for (const kind of await compare(made, index)) seen.set(kind, (seen.get(kind) ?? 0) + 1);
    for (const kind of ['unicast', 'local', 'broadcast', 'no-route', 'refused', 'invalid-source'])
      expect({ kind, often: (seen.get(kind) ?? 0) >= comparisons / 400 }).toEqual({ kind, often: true });
  },
  30_000 + comparisons * 40,
);
