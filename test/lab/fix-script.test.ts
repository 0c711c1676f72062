import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { check } from './doctor.js';
import { type Lab, raiseLab } from './lab.js';
import { failing } from './probe.js';
import { faults } from './scenarios/index.js';

const names = ['nginx/transparent-keyword-missing (http)', 'proxy/policy-rule-missing', 'upstream/no-route-to-client'];

/** Runs a script on its host; the lab's hosts share their files. */
async function run(lab: Lab, host: string, script: string, verb: string): Promise<void> {
  await lab.must(host, `sh ${script} ${verb}`);
  // nginx's old workers go on for a moment with what they have.
  await lab.must(host, 'sleep 1');
}

it('scripts of several hosts restore real traffic, and undo brings back the faults and every byte', async () => {
  const lab = await raiseLab();
  try {
    const chosen = names.flatMap((name) => faults.find((fault) => fault.name === name) ?? []);
    expect(chosen.map(({ name }) => name)).toEqual(names);
    for (const { changes } of chosen) await lab.change(changes);
    const broken = await failing(lab);
    expect(broken).toContain('http');
    const conf = join(lab.directoryOf('proxy'), 'nginx.conf');
    const text = await readFile(conf, 'utf8');
    const files = await readdir(lab.directoryOf('proxy'));

    const scripts = join(lab.dir, 'scripts');
    const { report } = await check(lab, { args: ['--fix-script', scripts] });
    const hosts = [
      ...new Set(report.diagnoses.filter(({ severity }) => severity === 'fault').flatMap(({ fix }) => fix.map(({ host }) => host))),
    ];
    expect(hosts.sort()).toEqual(['dev4', 'proxy']);
    for (const host of hosts) await run(lab, host, join(scripts, `${host}.sh`), 'show');
    expect(await failing(lab), 'a dry run cures nothing').toEqual(broken);

    for (const host of hosts) await run(lab, host, join(scripts, `${host}.sh`), 'apply');
    expect(await failing(lab)).toEqual([]);
    expect((await check(lab)).exitCode).toBe(0);
    expect(await readFile(conf, 'utf8')).not.toBe(text);

    for (const host of hosts.reverse()) await run(lab, host, join(scripts, `${host}.sh`), 'undo');
    expect(await readFile(conf, 'utf8')).toBe(text);
    expect(await readdir(lab.directoryOf('proxy'))).toEqual(files);
    expect(await failing(lab)).toEqual(broken);
  } finally {
    await lab.remove();
  }
});

it('a script stops on a host that was changed meanwhile, and on another host', async () => {
  const lab = await raiseLab();
  try {
    for (const { changes } of faults.filter(({ name }) => name === names[0])) await lab.change(changes);
    const scripts = join(lab.dir, 'scripts');
    await check(lab, { args: ['--fix-script', scripts] });
    const script = join(scripts, 'proxy.sh');
    expect((await lab.exec('dev1', `sh ${script} apply`)).stderr).toContain('another host');

    const conf = join(lab.directoryOf('proxy'), 'nginx.conf');
    const text = (await readFile(conf, 'utf8')).replace('proxy_bind $remote_addr;', 'proxy_bind off;');
    await writeFile(conf, text);
    const { code, stderr } = await lab.exec('proxy', `sh ${script} apply`);
    expect(code).toBe(1);
    expect(stderr).toContain('proxy_bind off;');
    expect(await readFile(conf, 'utf8')).toBe(text);
  } finally {
    await lab.remove();
  }
});
