import { client, proxy, upstreams } from './article.js';
import type { Outcome } from './lab.js';

/** http and http6 on port 80 and tcp on 9000 are asked by curl; dns is port 53 by direct server return, udp5300 port 5300 by method 1. */
export const probeServices = ['http', 'http6', 'tcp', 'dns', 'udp5300'] as const;

export type ProbeService = (typeof probeServices)[number];

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

interface Asked {
  stdout: string;
  from: string;
  count: number;
}

type Shell = { exec(host: string, script: string): Promise<Outcome> };

const parallel = 8;

/** Asks `count` times (default 8, even), half from each of the client's two addresses. A broken service takes one to two seconds, a dead worker four. */
export async function probe(lab: Shell, service: ProbeService, count = 8): Promise<ProbeResult> {
  const ask = async (from: string): Promise<Asked> => {
    const { stdout } = await lab.exec(client.name, `seq ${count / 2} | xargs -P ${parallel} -I_ ${question(service, from)} || true`);
    return { stdout, from, count: count / 2 };
  };
  switch (service) {
    case 'http':
      // One after the other: the connections that nginx keeps for the first client must be there when the second comes.
      return judge([await ask(client.address), await ask(client.second)], readBanners);
    case 'http6':
      return judge([await ask(client.address6), await ask(client.second6)], readBanners);
    case 'tcp':
      return judge(await Promise.all([ask(client.address), ask(client.second)]), readBanners);
    case 'dns':
    case 'udp5300':
      return judge(await Promise.all([ask(client.address), ask(client.second)]), readAddresses);
  }
}

function question(service: ProbeService, from: string): string {
  switch (service) {
    case 'http':
      return `curl -sf -m 2 --interface ${from} http://${proxy.outer}/`;
    case 'http6':
      return `curl -sf -m 2 --interface ${from} 'http://[${proxy.outer6}]/'`;
    case 'tcp':
      return `curl -s -m 2 --interface ${from} telnet://${proxy.outer}:9000`;
    case 'dns':
      return `dig +short +time=1 +tries=1 -b ${from} -p 53 @${proxy.outer} www.example.com`;
    case 'udp5300':
      return `dig +short +time=1 +tries=1 -b ${from} -p 5300 @${proxy.outer} www.example.com`;
  }
}

interface Answer {
  upstream: string;
  /** The client's address as the upstream saw it. */
  client?: string;
}

/** What nginx on the upstreams says: its name and the client's address. */
function readBanners(stdout: string): Answer[] {
  return Array.from(stdout.matchAll(/^(dev\d) (\S+)$/gm), ([, upstream = '', client = '']) => ({ upstream, client }));
}

/** What dnsmasq on the upstreams says: each has its own address for the name. */
function readAddresses(stdout: string): Answer[] {
  const lines = stdout.split('\n');
  return lines.flatMap((line) => upstreams.filter(({ answer }) => answer === line).map(({ name }) => ({ upstream: name })));
}

function judge(asked: readonly Asked[], read: (stdout: string) => Answer[]): ProbeResult {
  const problems: string[] = [];
  const met = new Set<string>();
  let answered = 0;
  for (const { stdout, from, count } of asked) {
    const answers = read(stdout);
    answered += answers.length;
    for (const { upstream } of answers) met.add(upstream);
    if (answers.length < count) problems.push(`${count - answers.length} of ${count} requests from ${from} were not answered`);
    const mistaken = new Set(answers.flatMap(({ client }) => (client === undefined || client === from ? [] : [client])));
    if (mistaken.size > 0) problems.push(`upstreams took ${from} for ${[...mistaken].join(', ')}`);
  }
  const missing = upstreams.map(({ name }) => name).filter((name) => !met.has(name));
  if (missing.length > 0) problems.push(`never met: ${missing.join(', ')}`);
  return { ok: problems.length === 0, asked: asked.reduce((sum, { count }) => sum + count, 0), answered, met: [...met].sort(), problems };
}
