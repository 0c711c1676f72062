import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSnapshots } from '../../src/host/snapshot-file.js';
import type { PathReport } from '../../src/types.js';
import { articleSnapshots, client, vip } from '../kit/article.js';
import { dropMarkRules, editConfig, removeHost } from '../kit/change.js';
import { run } from './surroundings.js';

let dir: string;
const file = (name: string) => join(dir, `${name}.json`);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tpdoctor-path-'));
  const save = (name: string, ...change: Parameters<typeof articleSnapshots>) =>
    writeSnapshots(file(name), [...articleSnapshots(...change).values()]);
  await save('healthy');
  await save('partial', removeHost('dev2'));
  await save('broken', dropMarkRules('proxy'));
  await save('both', editConfig('listen 5300 udp;', 'listen 80 udp;'));
  await save('plain', editConfig('proxy_bind $remote_addr transparent;\n            proxy_pass http://web;', 'proxy_pass http://web;'));
  await save('client-alone', ['proxy', 'dev1', 'dev2', 'dev3', 'dev4'].map(removeHost));
});
afterAll(() => rm(dir, { recursive: true }));

const path = (name: string, to: string, ...more: string[]) => run('path', '--from', client, '--to', to, file(name), ...more);

async function told(...args: Parameters<typeof path>): Promise<PathReport & { code: number }> {
  const { code, out } = await path(...args, '--json');
  return { ...(JSON.parse(out) as PathReport), code };
}

describe('path', () => {
  it('ends with 0 where every upstream is reached and answers', async () => {
    const { code, schema, end, walks, from, to } = await told('healthy', `${vip}:80`);
    expect({ code, schema, end, from, to }).toEqual({ code: 0, schema: 'tpdoctor.path/1', end: 'whole', from: client, to: `${vip}:80` });
    expect(walks.map(({ upstreamHost }) => upstreamHost)).toEqual(['dev1', 'dev2', 'dev3', 'dev4']);
  });

  it('ends with 1 where the way breaks, at the last step', async () => {
    const { code, end, walks } = await told('broken', `${vip}:80`);
    expect({ code, end }).toEqual({ code: 1, end: 'broken' });
    expect(walks[0]?.hops.at(-1)).toMatchObject({ host: 'proxy' });
    expect(walks[0]?.hops.at(-1)?.steps.at(-1)).toMatchObject({ code: 'not-taken-in', outcome: 'broken' });
  });

  it('shows both protocols of a port unless one is chosen', async () => {
    const services = async (...more: string[]) => [
      ...new Set((await told('both', `${vip}:80`, ...more)).walks.map(({ service }) => service)),
    ];
    expect(await services()).toEqual(['http:80/#web', 'udp:80']);
    expect(await services('--udp')).toEqual(['udp:80']);
    expect(await services('--protocol', 'tcp')).toEqual(['http:80/#web']);
  });

  it('takes an IPv6 client to a service in brackets', async () => {
    const { code, out } = await run('path', '--from', 'fd00:99::50', '--to', '[fd00:99::10]:80', file('healthy'), '--json');
    expect(code).toBe(0);
    expect((JSON.parse(out) as PathReport).walks.map(({ upstream }) => upstream)).toContain('[fd00:16::11]:80');
  });

  it('refuses with 64 where nothing listens, and says what does', async () => {
    const { code, out, err } = await path('healthy', `${vip}:8080`);
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err).toContain('0.0.0.0:80 (http:80/#web on proxy)');
    expect(err).toContain('0.0.0.0:53 UDP (udp:53 on proxy)');
    expect((await path('client-alone', `${vip}:80`)).code).toBe(64);
  });

  it('ends with 2 where what listens may be on a host that was not reached', async () => {
    const { code, end, walks, notExamined } = await told('client-alone', `${vip}:80`, '--host', 'proxy=/nonexistent/proxy.json');
    expect({ code, end, walks }).toEqual({ code: 2, end: 'unknown', walks: [] });
    expect(notExamined).toContainEqual(expect.objectContaining({ what: 'proxy' }));
  });

  it('ends with 0, but says so, where the rest of the way is on hosts that nobody named', async () => {
    const { code, notExamined } = await told('partial', `${vip}:80`);
    expect(code).toBe(0);
    expect(notExamined).toEqual([expect.objectContaining({ why: '172.16.0.12 is on none of the named hosts' })]);
  });

  it('ends with 2 for a service that is not transparent', async () => {
    const { code, notExamined } = await told('plain', `${vip}:80`);
    expect(code).toBe(2);
    expect(notExamined).toEqual([{ what: 'proxy: http:80/#web', why: expect.stringContaining('proxy_bind') }]);
  });

  it('tells people in colours only on a terminal', async () => {
    const { out } = await path('broken', `${vip}:80`);
    expect(out).toContain('the same for dev2, dev3, dev4');
    expect(out).not.toContain('\x1b');
    expect((await path('broken', `${vip}:80`, '--verbose')).out).not.toContain('the same for');
  });
});
