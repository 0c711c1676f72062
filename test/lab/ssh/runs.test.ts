import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../../src/types.js';
import { check, diagnosed, traceProcess } from '../doctor.js';
import { type Lab, raiseLab } from '../lab.js';
import { faults } from '../scenarios/index.js';
import { frailLink } from './link.js';
import { openSshd, type SshAccess, type SshdOptions } from './sshd.js';

const program = fileURLToPath(new URL('../../../bin/tpdoctor', import.meta.url));

async function inLab(fault: string, options: Record<string, SshdOptions>, use: (lab: Lab, access: SshAccess) => Promise<void>) {
  const lab = await raiseLab();
  try {
    await lab.change(faults.find(({ name }) => name === fault)?.changes ?? expect.unreachable());
    await use(lab, await openSshd(lab, options));
  } finally {
    await lab.remove();
  }
}

/** What a run leaves on this machine: processes that hold a connection, and their directories. */
async function leftOf(pid: number | undefined): Promise<string[]> {
  const { stdout } = await execa('pgrep', ['-f', `tpdoctor-ssh-${pid}-`], { reject: false });
  const directories = (await readdir(tmpdir())).filter((name) => name.startsWith(`tpdoctor-ssh-${pid}-`));
  return [...stdout.split('\n').filter((line) => line !== ''), ...directories];
}

describe('a run over ssh', () => {
  it('costs a host that is lost on the way that host alone, within its time', () =>
    inLab('upstream/not-listening (another port)', {}, async (lab, access) => {
      const link = await frailLink(access, 400);
      await writeFile(join(access.directory, 'mixed'), `Host dev4 *-dev4\nInclude ${link.config}\nHost *\nInclude ${access.config}\n`);
      const started = Date.now();
      const targets = [...access.targets.slice(0, -1), join(access.directory, 'mixed')];
      const running = check(lab, { targets, args: ['--timeout', '4'] });
      await expect.poll(() => access.log('dev4'), { timeout: 20_000 }).toMatch(/Starting session/);
      await link.cut('silently');
      const { exitCode, report } = await running;
      await link.cut('loudly');
      expect(Date.now() - started).toBeLessThan(25_000);
      expect(diagnosed(report)).toEqual(['fault upstream/not-listening on dev1']);
      expect(exitCode).toBe(1);
      expect(report.hosts.filter(({ reached }) => !reached).map(({ name, why }) => `${name}: ${why}`)).toEqual([
        expect.stringMatching(/^dev4: .*no answer/),
      ]);
    }));

  it('goes on without a host that does not let it in', () =>
    inLab('upstream/not-listening (another port)', { dev3: { config: ['AuthorizedKeysFile none'] } }, async (lab, { targets }) => {
      const { exitCode, report } = await check(lab, { targets });
      expect({ exitCode, found: diagnosed(report) }).toEqual({ exitCode: 1, found: ['fault upstream/not-listening on dev1'] });
      expect(report.hosts.filter(({ reached }) => !reached)).toMatchObject([
        { name: 'dev3', why: expect.stringMatching(/permission denied/) },
      ]);
    }));

  it('reads hosts that speak another language', () =>
    inLab(
      'proxy/src-valid-mark',
      { proxy: { environment: ['LANG=de_DE.UTF-8', 'LC_ALL=de_DE.UTF-8', 'LANGUAGE=de'] } },
      async (lab, { targets }) => {
        const { exitCode, report } = await check(lab, { targets });
        expect({ exitCode, found: diagnosed(report) }).toEqual({ exitCode: 1, found: ['fault proxy/src-valid-mark on proxy'] });
      },
    ));

  it('reaches upstreams through a jump host, by TCP', () => {
    const openOn = (address: string): SshdOptions => ({ config: [`ListenAddress ${address}`] });
    const open = { proxy: openOn('192.168.99.10'), dev1: openOn('172.16.0.11') };
    return inLab('proxy/src-valid-mark', open, async (lab, { config, directory }) => {
      const [jump, unknown] = [join(directory, 'jump'), join(directory, 'unknown')];
      const hosts = 'Host proxy\nHostName 192.168.99.10\nHost dev1\nHostName 172.16.0.11\nProxyJump proxy\nHost *\nProxyCommand none\n';
      await writeFile(jump, `${hosts}Include ${config}\n`);
      await writeFile(unknown, `Host proxy\nUserKnownHostsFile /dev/null\nHostKeyAlias the-jump-host\nHost *\nInclude ${jump}\n`);
      const run = async (file: string) => {
        const words = ['check', '--json', '--host', 'proxy=ssh://proxy', '--host', 'dev1=ssh://dev1', '--ssh-config', file];
        const { stdout } = await lab.exec('client', `exec ${process.execPath} ${program} ${words.join(' ')} || true`);
        return JSON.parse(stdout) as Report;
      };
      const report = await run(jump);
      expect(report.hosts.map(({ why }) => why)).toEqual([undefined, undefined]);
      expect(diagnosed(report)).toEqual(['fault proxy/src-valid-mark on proxy']);
      expect((await run(unknown)).hosts.map(({ why }) => why)).toEqual(Array(2).fill(expect.stringMatching(/the-jump-host is not known/)));
    });
  });

  it("follows the user's own configuration, and writes nothing beside it", () =>
    inLab('proxy/src-valid-mark', {}, async (_, { config, directory }) => {
      const home = join(directory, 'home');
      await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 });
      await copyFile(config, join(home, '.ssh/config'));
      const passwd = (await readFile('/etc/passwd', 'utf8')).replace(/^(root:(?:[^:]*:){4})[^:]*/m, `$1${home}`);
      await writeFile(join(directory, 'passwd'), passwd);
      const known = await readFile(join(directory, 'known_hosts'));
      const command = `mount --bind ${directory}/passwd /etc/passwd; exec ${process.execPath} ${program} check --json --host proxy=ssh://proxy`;
      const reached = async () => {
        const running = execa('unshare', ['--mount', 'sh', '-ec', command], { reject: false });
        const { stdout } = await running;
        await expect.poll(() => leftOf(running.pid), { timeout: 3000 }).toEqual([]);
        return (JSON.parse(stdout) as Report).hosts;
      };
      expect(await reached()).toMatchObject([{ name: 'proxy', target: 'ssh://proxy', reached: true, roles: ['proxy'] }]);
      expect(await readdir(join(home, '.ssh'))).toEqual(['config']);
      expect(await readFile(join(directory, 'known_hosts'))).toEqual(known);
      await chmod(join(home, '.ssh/config'), 0o666);
      expect(await reached()).toMatchObject([{ reached: false, why: expect.stringMatching(/permissions on .*\.ssh\/config/) }]);
    }));

  it.each(['SIGINT', 'SIGKILL'] as const)('leaves nothing on this machine or there when %s ends it', (signal) =>
    inLab('proxy/src-valid-mark', {}, async (lab, { targets }) => {
      const running = traceProcess(lab, ['--port', '80', '--duration', '60'], targets);
      await expect
        .poll(async () => (await lab.exec('dev4', 'pgrep -x tcpdump --ns $$ --nslist net || true')).stdout, { timeout: 30_000 })
        .not.toBe('');
      await setTimeout(500);
      expect(await leftOf(running.pid)).not.toEqual([]);
      running.kill(signal);
      await running;
      await expect.poll(() => leftOf(running.pid), { timeout: 5000 }).toEqual([]);
      for (const { name } of lab.hosts)
        await expect
          .poll(async () => (await lab.exec(name, "pgrep -x 'tcpdump|sleep' --ns $$ --nslist net || true")).stdout, { timeout: 6000 })
          .toBe('');
    }),
  );
});
