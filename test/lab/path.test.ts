import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PathReport } from '../../src/types.js';
import { client, proxy, upstreams } from './article.js';
import { type Lab, raiseLab } from './lab.js';
import { faults } from './scenarios/index.js';

const program = fileURLToPath(new URL('../../bin/tpdoctor', import.meta.url));
let lab: Lab;
beforeAll(async () => {
  lab = await raiseLab();
}, 60_000);
afterAll(() => lab.remove());

async function path(port: number): Promise<PathReport & { code: number | undefined }> {
  const args = ['path', '--json', '--from', client.address, '--to', `${proxy.outer}:${port}`, ...lab.hostArguments()];
  const { exitCode, stdout } = await execa(process.execPath, [program, ...args], { reject: false });
  return { ...(JSON.parse(stdout) as PathReport), code: exitCode };
}

const sources = ({ walks }: PathReport): string[] =>
  walks.flatMap(({ hops }) => hops.flatMap(({ steps }) => steps.flatMap(({ by }) => by.map(({ source, what }) => `${source}: ${what}`))));

it('a path is told over real hosts as real packets go, before and after it breaks', async () => {
  expect((await lab.probe('http')).ok).toBe(true);
  const before = await path(80);
  expect({ code: before.code, end: before.end }).toEqual({ code: 0, end: 'whole' });
  expect(before.walks.map(({ upstreamHost }) => upstreamHost)).toEqual(upstreams.map(({ name }) => name));
  expect(sources(before)).toContainEqual(
    expect.stringMatching(/^ip route get .* iif eth1 mark 0x1: the kernel answers "local, table 100"$/),
  );
  expect(sources(before)).toContainEqual(expect.stringMatching(/^ip rule show: \d+: from all fwmark 0x1 lookup 100$/));

  const fault = faults.find(({ name }) => name === 'proxy/policy-rule-missing');
  await lab.change(fault?.changes ?? []);
  expect((await lab.probe('http')).ok).toBe(false);
  const after = await path(80);
  expect({ code: after.code, end: after.end }).toEqual({ code: 1, end: 'broken' });
  const last = after.walks.map(({ hops }) => hops.at(-1));
  for (const hop of last) {
    expect(hop).toMatchObject({ host: 'proxy', in: 'eth1' });
    expect(hop?.steps.at(-1)).toMatchObject({ code: 'not-taken-in', outcome: 'broken', packet: { mark: 1 } });
  }
  expect((await lab.probe('dns')).ok).toBe(true);
  expect((await path(53)).code).toBe(0);
});
