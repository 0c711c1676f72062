import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from './lab.js';
import type { ProbePlan } from './topology.js';

export interface ProbeResult {
  /** Every request was answered, every upstream was met, and each saw the address of the client that asked. */
  ok: boolean;
  asked: number;
  answered: number;
  /** Names of the upstreams that answered. */
  met: readonly string[];
  /** One sentence each; empty when ok. */
  problems: readonly string[];
}

/** What came of the requests from one address. */
interface Asked {
  from: string;
  count: number;
  /** The upstream of each answer. */
  answers: readonly string[];
  /** Client addresses as the upstreams saw them. */
  seenAs: readonly string[];
}

type Hosts = Pick<Lab, 'exec' | 'directoryOf'>;

/**
 * Asks `count` times, an even number. The default is enough to meet four upstreams, and for http twice, so that a kept connection shows. A broken
 * service takes one to two seconds, a dead worker four.
 */
export async function probe(
  lab: Hosts,
  plan: ProbePlan,
  count = plan.kind === 'http' && !plan.to.includes(':') ? 8 : 4,
): Promise<ProbeResult> {
  const ask = (from: string) => (plan.kind === 'dns' ? dig(lab, plan, from, count / 2) : curl(lab, plan, from, count / 2));
  const [first, second] = plan.from;
  // http: one after the other, as the connections that nginx keeps for the first client must be there when the second comes.
  const asked = plan.kind === 'http' ? [await ask(first), await ask(second)] : await Promise.all([ask(first), ask(second)]);
  return judge(asked, plan.upstreams);
}

/** Services whose real traffic fails now. An upstream that is left out answers nothing, but nobody may miss it. */
export async function failing(lab: Lab, leftOut?: string): Promise<string[]> {
  const services = Object.keys(lab.topology.probes);
  const results = await Promise.all(services.map(async (service) => ({ service, ...(await lab.probe(service)) })));
  const isWhole = ({ problems }: ProbeResult) => problems.every((problem) => leftOut !== undefined && problem === `never met: ${leftOut}`);
  return results.filter((result) => !isWhole(result)).map(({ service }) => service);
}

/** nginx on the upstreams answers with its name and the client's address. */
async function curl(lab: Hosts, { kind, client, to, port }: ProbePlan, from: string, count: number): Promise<Asked> {
  const url = `${kind === 'http' ? 'http' : 'telnet'}://${to.includes(':') ? `[${to}]` : to}:${port}${kind === 'http' ? '/' : ''}`;
  const stdout = await repeat(lab, client, count, `curl -sf -m 2 --interface ${from} '${url}'`);
  const banners = [...stdout.matchAll(/^(\w+) (\S+)$/gm)];
  return { from, count, answers: banners.map(([, name = '']) => name), seenAs: banners.map(([, , address = '']) => address) };
}

/** dnsmasq on each upstream has its own address for www.example.com and all names below it, and logs who asked. */
async function dig(lab: Hosts, { client, to, port, upstreams }: ProbePlan, from: string, count: number): Promise<Asked> {
  const name = `p${randomBytes(4).toString('hex')}.www.example.com`;
  const lines = (await repeat(lab, client, count, `dig +short +time=1 +tries=1 -b ${from} -p ${port} @${to} ${name}`)).split('\n');
  const logs = await Promise.all(upstreams.map((u) => readFile(join(lab.directoryOf(u.name), `dnsmasq-${port}.log`), 'utf8')));
  return {
    from,
    count,
    answers: lines.flatMap((line) => upstreams.filter((u) => u.answer === line).map((u) => u.name)),
    seenAs: logs.flatMap((log) =>
      [...log.matchAll(/ query\[A\] (\S+) from (\S+)$/gm)].filter(([, asked]) => asked === name).map(([, , asker = '']) => asker),
    ),
  };
}

async function repeat(lab: Hosts, client: string, count: number, command: string): Promise<string> {
  return (await lab.exec(client, `seq ${count} | xargs -P 8 -I_ ${command} || true`)).stdout;
}

function judge(asked: readonly Asked[], upstreams: ProbePlan['upstreams']): ProbeResult {
  const problems: string[] = [];
  for (const { from, count, answers, seenAs } of asked) {
    if (answers.length < count) problems.push(`${count - answers.length} of ${count} requests from ${from} were not answered`);
    const others = new Set(seenAs.filter((address) => address !== from));
    if (others.size > 0) problems.push(`upstreams took ${from} for ${[...others].join(', ')}`);
  }
  const answers = asked.flatMap((a) => a.answers);
  const missing = upstreams.map((u) => u.name).filter((name) => !answers.includes(name));
  if (missing.length > 0) problems.push(`never met: ${missing.join(', ')}`);
  return {
    ok: problems.length === 0,
    asked: asked.reduce((sum, { count }) => sum + count, 0),
    answered: answers.length,
    met: [...new Set(answers)].sort(),
    problems,
  };
}
