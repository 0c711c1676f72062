import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFixScripts } from '../../src/commands/fix-scripts.js';
import { writeSnapshots } from '../../src/host/snapshot-file.js';
import { articleSnapshots } from '../kit/article.js';
import { dropMarkRules, dropRoute, editConfig } from '../kit/change.js';
import { faulty } from '../report/samples.js';
import { run } from './surroundings.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tpdoctor-scripts-'));
  const httpBind = 'proxy_bind $remote_addr transparent;\n            proxy_pass http://web;';
  const changes = [dropMarkRules('proxy'), dropRoute('dev3', '0.0.0.0/0'), editConfig(httpBind, httpBind.replace(' transparent', ''))];
  await writeSnapshots(join(dir, 'broken.json'), [...articleSnapshots(changes).values()]);
  await writeSnapshots(join(dir, 'healthy.json'), [...articleSnapshots().values()]);
});
afterAll(() => rm(dir, { recursive: true }));

const check = (name: string, scripts: string, ...more: string[]) =>
  run('check', join(dir, `${name}.json`), '--fix-script', join(dir, scripts), ...more);

describe('check --fix-script', () => {
  it('writes one script for each host with a fault and tells their order on stderr, so that stdout stays the report', async () => {
    const made = await check('broken', 'new', '--json');
    expect(made.code).toBe(1);
    expect(JSON.parse(made.out)).toMatchObject({ verdict: 'faulty' });
    expect((await readdir(join(dir, 'new'))).sort()).toEqual(['dev3.sh', 'proxy.sh']);
    const told = [...made.err.matchAll(/^ {2}(\d)\. on (\S+): sh (\S+)$/gm)].map(([, n, host, file]) => [n, host, file]);
    expect(told.map(([n]) => n)).toEqual(['1', '2']);
    expect(told).toContainEqual([expect.any(String), 'dev3', join(dir, 'new', 'dev3.sh')]);
    expect((await stat(join(dir, 'new', 'proxy.sh'))).mode & 0o077).toBe(0);
  });

  it('puts the line of the configuration that is to change, as it was read, into the script', async () => {
    await check('broken', 'edits');
    const text = await readFile(join(dir, 'edits', 'proxy.sh'), 'utf8');
    expect(text).toMatch(/edit_step \d+ nginx\/transparent-keyword-missing replace \/etc\/nginx\/nginx.conf \d+ /);
    expect(text).toContain('\n            proxy_bind $remote_addr;\n            proxy_bind $remote_addr transparent;\n');
    expect(text).toContain('192.168.99.10');
    const shown = spawnSync('sh', [join(dir, 'edits', 'proxy.sh')], { encoding: 'utf8' });
    expect(shown).toMatchObject({ status: 0, stderr: '' });
  });

  it('writes nothing for a healthy setup, not even the directory', async () => {
    const { code, err } = await check('healthy', 'none');
    expect(code).toBe(0);
    expect(err).toContain('no script was written');
    await expect(stat(join(dir, 'none'))).rejects.toThrow('ENOENT');
  });

  it('refuses a directory that has anything in it before any host is asked', async () => {
    await mkdir(join(dir, 'full'));
    await writeFile(join(dir, 'full', 'proxy.sh'), 'mine\n');
    const { code, out, err } = await check('broken', 'full', '--host', 'gone=netns:nowhere');
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err).toContain('not empty');
    expect(err).not.toContain('nowhere');
    expect(await readFile(join(dir, 'full', 'proxy.sh'), 'utf8')).toBe('mine\n');
  });

  it('takes an empty directory, and refuses a file', async () => {
    await mkdir(join(dir, 'empty'));
    expect((await check('broken', 'empty')).code).toBe(1);
    expect((await readdir(join(dir, 'empty'))).length).toBe(2);
    for (const wrong of ['broken.json', 'nowhere/scripts']) expect((await check('broken', wrong)).code).toBe(64);
  });

  it('costs no diagnosis where the scripts cannot be written after all', async () => {
    await writeFile(join(dir, 'file'), '');
    const warnings: string[] = [];
    const notes = await writeFixScripts(join(dir, 'file', 'scripts'), faulty, new Map(), { warn: (text) => warnings.push(text) });
    expect(notes).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('ENOTDIR')]);
  });

  it('writes over nothing that has come into the directory meanwhile', async () => {
    await mkdir(join(dir, 'raced'));
    await writeFile(join(dir, 'raced', 'proxy.sh'), 'mine\n');
    const warnings: string[] = [];
    await writeFixScripts(join(dir, 'raced'), faulty, new Map(), { warn: (text) => warnings.push(text) });
    expect(warnings).toEqual([expect.stringContaining('EEXIST')]);
    expect(await readFile(join(dir, 'raced', 'proxy.sh'), 'utf8')).toBe('mine\n');
  });
});
