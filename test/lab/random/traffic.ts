import { randomBytes } from 'node:crypto';
import type { Lab } from '../lab.js';
import type { ProbePlan } from '../topology.js';

/** Names of the upstreams that answered one address, having seen it. */
export type Met = ReadonlySet<string>;

/**
 * As many requests as there are upstreams, all at once, so that nginx takes each of them in turn. One address after the other: requests of two would
 * take upstreams from each other.
 */
export async function askAll(lab: Lab, plan: ProbePlan): Promise<ReadonlyMap<string, Met>> {
  const met = new Map<string, Met>();
  for (const from of plan.from) met.set(from, await ask(lab, plan, from));
  return met;
}

async function ask(lab: Lab, plan: ProbePlan, from: string): Promise<Met> {
  const { stdout } = await lab.exec(plan.client, `seq ${plan.upstreams.length} | xargs -P 8 -I_ ${command(plan, from)} || true`);
  const answers = stdout.split('\n').filter((line) => line !== '');
  return new Set(
    plan.upstreams.filter(({ name, answer }) => answers.includes(plan.kind === 'dns' ? answer : `${name} ${from}`)).map(({ name }) => name),
  );
}

function command({ kind, to, port }: ProbePlan, from: string): string {
  if (kind === 'dns') return `dig +short +time=1 +tries=1 -b ${from} -p ${port} @${to} p${randomBytes(4).toString('hex')}.www.example.com`;
  const host = to.includes(':') ? `[${to}]` : to;
  return `curl -sf -m 1.2 --interface ${from} ${kind === 'http' ? `http://${host}:${port}/` : `telnet://${host}:${port}`}`;
}
