import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { writeSnapshots } from '../../src/host/snapshot-file.js';
import { run } from '../cli/surroundings.js';
import { articleSnapshots, client } from '../kit/article.js';
import { articleFaults } from '../kit/cases.js';
import { reportOf, scratch, withoutTimes } from './kit.js';

const directory = scratch();
const file = (name: string): string => join(directory, name);

describe('a bundle gives the report that its snapshots give', () => {
  it.each(Object.entries(articleFaults))('%s', async (name, change) => {
    const [saved, bundle] = [file(`${name}.json`), file(`${name}.tgz`)];
    await writeSnapshots(saved, [...articleSnapshots(change).values()]);
    const live = withoutTimes(await reportOf('check', saved));
    expect(withoutTimes(await reportOf('bundle', '-o', bundle, saved))).toEqual(live);
    expect(withoutTimes(await reportOf('check', bundle))).toEqual(live);
  });
});

describe('a bundle', () => {
  const saved = file('saved.json');
  const bundle = file('case.tgz');

  it('is unpacked by plain tar, and a sum of every file is in its manifest', async () => {
    await writeSnapshots(saved, [...articleSnapshots().values()]);
    expect(await run('bundle', '-o', bundle, '--client', client, saved)).toMatchObject({ code: 0, err: expect.stringContaining(bundle) });
    await execa('tar', ['xzf', bundle], { cwd: directory });
    const unpacked = file('tpdoctor-bundle');
    const { stdout: listed } = await execa(
      'node',
      ['-p', 'JSON.parse(require("fs").readFileSync(0)).items.map((i) => `${i.sha256}  ${i.path}`).join("\\n")'],
      {
        cwd: unpacked,
        inputFile: join(unpacked, 'manifest.json'),
      },
    );
    await execa('sha256sum', ['--check', '--strict'], { cwd: unpacked, input: `${listed}\n` });
    const found = (await readdir(unpacked, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    expect(found).toHaveLength(listed.split('\n').length + 1);
  });

  it('is for its owner alone, and nothing lies beside it', async () => {
    expect((await stat(bundle)).mode & 0o777).toBe(0o600);
    expect((await readdir(directory)).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it('is not written over unless that is asked for', async () => {
    const before = await stat(bundle);
    expect(await run('bundle', '-o', bundle, saved)).toMatchObject({ code: 64, err: expect.stringContaining('--overwrite') });
    expect((await stat(bundle)).ino).toBe(before.ino);
    expect((await run('bundle', '-o', bundle, '--overwrite', saved)).code).toBe(0);
    expect((await stat(bundle)).ino).not.toBe(before.ino);
  });

  it('knows the clients that were asked about', async () => {
    const asked = file('asked.tgz');
    const there = await reportOf('bundle', '-o', asked, '--client', '203.0.113.7', saved);
    expect(JSON.stringify(there)).toContain('203.0.113.7');
    expect(withoutTimes(await reportOf('check', asked))).toEqual(withoutTimes(there));
    expect(JSON.stringify(await reportOf('check', asked, '--client', '203.0.113.8'))).not.toContain('203.0.113.7');
  });

  it('knows which hosts were not reached, and why', async () => {
    const some = file('some.tgz');
    const there = await reportOf('bundle', '-o', some, saved, '--host', 'ghost=netns:nowhere-at-all');
    const again = await reportOf('check', some);
    expect(again.hosts).toContainEqual(
      expect.objectContaining({ name: 'ghost', reached: false, why: expect.stringContaining('nowhere-at-all') }),
    );
    expect(withoutTimes(again)).toEqual(withoutTimes(there));
  });
});

describe('bundles of parts of a setup', () => {
  const [proxy, others] = [file('proxy.tgz'), file('others.tgz')];

  it('are as good as one of all of it', async () => {
    const hosts = articleSnapshots();
    const isProxy = ({ host }: { host: string }): boolean => host === 'proxy';
    const parts = [
      [proxy, [...hosts.values()].filter(isProxy)],
      [others, [...hosts.values()].filter((snapshot) => !isProxy(snapshot))],
    ] as const;
    for (const [bundle, snapshots] of parts) {
      await writeSnapshots(`${bundle}.json`, snapshots);
      await run('bundle', '-o', bundle, `${bundle}.json`);
    }
    await writeSnapshots(file('whole.json'), [...hosts.values()]);
    const whole = await reportOf('check', file('whole.json'));
    const order = ({ hosts: all, ...rest }: typeof whole) => ({ ...rest, hosts: all.toSorted((a, b) => (a.name < b.name ? -1 : 1)) });
    expect(withoutTimes(order(await reportOf('check', proxy, others)))).toEqual(withoutTimes(order(whole)));
  });

  it('are named as hosts: the one of that name, or the only one', async () => {
    const named = await reportOf('check', '--host', `dev2=${others}`, '--host', `front=${proxy}`);
    expect(named.hosts.map(({ name, reached }) => ({ name, reached }))).toEqual([
      { name: 'dev2', reached: true },
      { name: 'front', reached: true },
    ]);
    expect(named.services[0]?.host).toBe('front');
    const unknown = await reportOf('check', '--host', `dev9=${others}`, proxy);
    expect(unknown.hosts[0]).toMatchObject({ name: 'dev9', reached: false, why: expect.stringContaining('dev2') });
  });
});
