import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { differ, readCounters } from '../../src/capture/counters.js';
import { type ProbeResult, planProbe, sendProbe } from '../../src/capture/probe.js';
import { gather } from '../../src/commands/gather.js';
import { buildCase } from '../../src/engine/case.js';
import { openHost } from '../../src/host/target.js';
import type { CounterDelta } from '../../src/types.js';
import { upstreams } from './article.js';
import { type Lab, raiseLab } from './lab.js';
import { faults } from './scenarios/index.js';

/* The requests of tpdoctor's own through real nginx, and what counters of the real hosts say meanwhile. */

let lab: Lab;
beforeAll(async () => {
  lab = await raiseLab();
}, 60_000);
afterAll(() => lab.remove());

const hostOf = (name: string) => openHost({ kind: 'netns', name: lab.namespaceOf(name) });
const silent = { progress: () => undefined, warn: () => undefined };

async function plan(run: string) {
  const hosts = lab.hosts.map(({ name, namespace }) => ({ name, target: `netns:${namespace}` }));
  const options = { clients: [], roles: new Map() };
  const { snapshots } = await gather({ hosts, files: [], outbound: [] }, options, silent);
  return planProbe(buildCase(snapshots, options), { run });
}

async function probe(run: string): Promise<{ results: Map<string, ProbeResult>; deltas: CounterDelta[] }> {
  const { plans, left } = await plan(run);
  expect(left).toEqual([]);
  expect(new Set(plans.map(({ host }) => host))).toEqual(new Set(['client']));
  const before = await readCounters(hostOf('proxy'), 'proxy');
  const results = await sendProbe(hostOf('client'), plans, { gapMs: 50 });
  const deltas = differ(before, await readCounters(hostOf('proxy'), 'proxy'));
  return { results: new Map(results.map((result) => [result.plan.service, result])), deltas };
}

/** How many questions of this run each upstream saw. */
async function seenBy(run: string, port: number): Promise<number[]> {
  const logs = await Promise.all(upstreams.map(({ name }) => readFile(join(lab.directoryOf(name), `dnsmasq-${port}.log`), 'utf8')));
  return logs.map((log) => log.split('\n').filter((line) => line.includes(` query[A] ${run}`)).length);
}

it('requests of tpdoctor meet every upstream of a healthy setup and are all answered; without a policy rule counters still tell that replies were marked', async () => {
  const healthy = await probe('a001');
  expect([...healthy.results.values()].map(({ plan: { service }, sent, answered }) => [service, sent, answered])).toEqual(
    [...healthy.results.values()].map(({ plan: { service, requests } }) => [service, requests.length, requests.length]),
  );
  expect(healthy.results.size).toBe(5);
  for (const port of [53, 5300]) expect((await seenBy('a001', port)).every((count) => count > 0)).toBe(true);
  expect(healthy.deltas.filter(({ name }) => name === 'IpInAddrErrors')).toEqual([]);

  const fault = faults.find(({ name }) => name === 'proxy/policy-rule-missing');
  await lab.change(fault?.changes ?? []);
  const broken = await probe('a002');
  expect(broken.results.get('udp:53')).toMatchObject({ sent: 8, answered: 8 });
  expect(broken.results.get('udp:5300')).toMatchObject({ sent: 8, answered: 0, silent: 8 });
  const http = [...broken.results.values()].filter(({ plan: { speaks } }) => speaks === 'http');
  // The policy rule of IPv6 is still there.
  expect(http.map(({ plan: { destination }, answered, rejected }) => [destination.includes(':'), answered, rejected])).toEqual([
    [false, 0, 8],
    [true, 8, 0],
  ]);
  const matched = broken.deltas.filter(({ name, delta }) => name.includes('--sport 5300') && delta > 0);
  expect(matched.map(({ source }) => source)).toEqual(['iptables-save -t mangle, chain PREROUTING']);
});
