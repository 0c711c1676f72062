import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSnapshots } from '../../src/host/snapshot-file.js';
import type { Report } from '../../src/types.js';
import { articleSnapshots, client, vip } from '../kit/article.js';
import { run } from './surroundings.js';

let directory: string;
let inventory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tpinventory-'));
  inventory = join(directory, 'setup.yaml');
  const snapshots = [...articleSnapshots().values()];
  for (const snapshot of snapshots) await writeSnapshots(join(directory, `${snapshot.host}.json`), [snapshot]);
  const hosts = snapshots.map(
    ({ host }) => `  ${host}: ${host === 'client' ? '{ target: client.json, roles: [router] }' : `${host}.json`}`,
  );
  writeFileSync(inventory, `hosts:\n${hosts.join('\n')}\ngroups:\n  upstreams: [dev1, dev2]\nclients: [192.168.99.77]\n`);
});
afterAll(() => rmSync(directory, { recursive: true }));

const check = async (...args: string[]): Promise<Report> =>
  JSON.parse((await run('check', '--json', '--inventory', inventory, ...args)).out);
const names = ({ hosts }: Report): string[] => hosts.map(({ name }) => name);

describe('an inventory', () => {
  it('names all hosts, their files beside it, and roles that were stated', async () => {
    const { hosts, verdict } = await check();
    expect(names({ hosts } as Report).sort()).toEqual(['client', 'dev1', 'dev2', 'dev3', 'dev4', 'proxy']);
    expect(hosts.find(({ name }) => name === 'client')?.roles).toEqual(['router']);
    expect(verdict).toBe('healthy');
  });

  it('is narrowed to hosts and groups that --host names, each once, and added to by those with a target', async () => {
    expect(names(await check('--host', 'proxy', '--host', 'upstreams', '--host', 'dev1'))).toEqual(['proxy', 'dev1', 'dev2']);
    expect(names(await check('--host', `other=${join(directory, 'dev3.json')}`))).toHaveLength(7);
  });

  it('serves every verb that asks hosts', async () => {
    const told = await run('path', '--from', client, '--to', `${vip}:80`, '--inventory', inventory, '--json');
    expect(JSON.parse(told.out)).toMatchObject({ end: 'whole' });
  });

  it('says where it is wrong, and what may have been meant', async () => {
    const wrong = join(directory, 'wrong.yaml');
    writeFileSync(wrong, 'hosts:\n  a: { tarjet: local, target: local }\n  b: telnet://x\n');
    expect((await run('check', '--inventory', wrong)).err).toContain(`${wrong}:2:8: "tarjet" means nothing here; did you mean target?`);
    expect(await run('check', '--inventory', inventory, '--host', 'upstream')).toMatchObject({
      code: 64,
      err: expect.stringContaining('did you mean upstreams'),
    });
    expect(await run('check', '--inventory', join(directory, 'none.yaml'))).toMatchObject({
      code: 64,
      err: expect.stringContaining('ENOENT'),
    });
    writeFileSync(wrong, 'hosts:\n  b: telnet://x\n');
    expect(await run('check', '--inventory', wrong)).toMatchObject({ code: 64, err: expect.stringContaining('telnet://x') });
  });
});
