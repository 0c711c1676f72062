import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { client, proxy, upstreams } from './article.js';
import type { Lab } from './lab.js';

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
 * Asks `count` times, an even number, half from each of the client's two addresses. The default is enough to meet every upstream, and for http twice,
 * so that a kept connection shows. A broken service takes one to two seconds, a dead worker four.
 */
export async function probe(lab: Hosts, service: ProbeService, count = service === 'http' ? 8 : 4): Promise<ProbeResult> {
  const half = count / 2;
  switch (service) {
    case 'http':
      // One after the other: the connections that nginx keeps for the first client must be there when the second comes.
      return judge([await curl(lab, client.address, half, httpUrl), await curl(lab, client.second, half, httpUrl)]);
    case 'http6':
      return judge([await curl(lab, client.address6, half, http6Url), await curl(lab, client.second6, half, http6Url)]);
    case 'tcp':
      return judge(await Promise.all([client.address, client.second].map((from) => curl(lab, from, half, tcpUrl))));
    case 'dns':
      return judge(await Promise.all([client.address, client.second].map((from) => dig(lab, from, half, 53))));
    case 'udp5300':
      return judge(await Promise.all([client.address, client.second].map((from) => dig(lab, from, half, 5300))));
  }
}

const httpUrl = `http://${proxy.outer}/`;
const http6Url = `http://[${proxy.outer6}]/`;
const tcpUrl = `telnet://${proxy.outer}:9000`;

/** nginx on the upstreams answers with its name and the client's address. */
async function curl(lab: Hosts, from: string, count: number, url: string): Promise<Asked> {
  const stdout = await repeat(lab, count, `curl -sf -m 2 --interface ${from} '${url}'`);
  const banners = [...stdout.matchAll(/^(dev\d) (\S+)$/gm)];
  return { from, count, answers: banners.map(([, name = '']) => name), seenAs: banners.map(([, , address = '']) => address) };
}

/** dnsmasq on each upstream has its own address for www.example.com and all names below it, and logs who asked. */
async function dig(lab: Hosts, from: string, count: number, port: number): Promise<Asked> {
  const name = `p${randomBytes(4).toString('hex')}.www.example.com`;
  const lines = (await repeat(lab, count, `dig +short +time=1 +tries=1 -b ${from} -p ${port} @${proxy.outer} ${name}`)).split('\n');
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

async function repeat(lab: Hosts, count: number, command: string): Promise<string> {
  return (await lab.exec(client.name, `seq ${count} | xargs -P 8 -I_ ${command} || true`)).stdout;
}

function judge(asked: readonly Asked[]): ProbeResult {
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
