import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Diagnosis, Report } from '../../src/types.js';

/*
 * A machine of its own as far as a check can tell: network, processes, mounts and /etc are its own, and its first process is called
 * systemd. Nothing of the real machine's boot can be touched from inside: /run is empty, so systemctl works on files alone.
 */
const program = fileURLToPath(new URL('../../bin/tpdoctor', import.meta.url));
let dir: string;
let outer: ChildProcess;
let init: string;

const inside = (script: string) =>
  execa('nsenter', ['-a', '-t', init, 'sh', '-ec', script], { cwd: '/', stdin: 'ignore', timeout: 60_000 });

async function boot(): Promise<string> {
  await mkdir(join(dir, 'etc'));
  await execa('cp', ['-a', '/etc/.', join(dir, 'etc')]);
  // What the machine of this test has in its own configuration is no part of it.
  await rm(join(dir, 'etc/systemd/system'), { recursive: true, force: true });
  await cp('/bin/sleep', join(dir, 'systemd'));
  const setup = [
    `mount --bind ${dir}/etc /etc`,
    'mount -t tmpfs none /run',
    'ip link set lo up',
    ...['eth0 192.168.99.10/24', 'eth1 172.16.0.1/28'].flatMap((text, i) => {
      const [link, address] = text.split(' ');
      return [
        `ip link add ${link} type veth peer name peer${i}`,
        `ip link set peer${i} up`,
        `ip address add ${address} dev ${link}`,
        `ip link set ${link} up`,
      ];
    }),
    // The upstream answers pings, no more is asked of it.
    'unshare --net sleep 600 & upstream=$!',
    'while [ "$(readlink /proc/$upstream/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done',
    'ip link set peer1 netns $upstream',
    'nsenter -n -t $upstream ip address add 172.16.0.11/28 dev peer1',
    'nsenter -n -t $upstream ip link set peer1 up',
    `exec ${dir}/systemd 600`,
  ];
  outer = spawn('unshare', ['--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc', 'sh', '-ec', setup.join('\n')], {
    stdio: 'ignore',
  });
  for (let tries = 0; tries < 100; tries++) {
    await sleep(50);
    const pid = (await readFile(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').catch(() => '')).trim();
    if (pid !== '' && (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')) === 'systemd\n') return pid;
  }
  throw new Error('the machine did not start');
}

const nginx = () => `user www-data;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log;
events {}
http {
    access_log off;
    server {
        listen 192.168.99.10:80;
        location / {
            proxy_bind $remote_addr transparent;
            proxy_pass http://172.16.0.11:80;
        }
    }
}
`;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tpboot-'));
  init = await boot();
  await writeFile(join(dir, 'nginx.conf'), nginx());
  await inside(`
    ip rule add fwmark 1 lookup 100
    ip route add local 0.0.0.0/0 dev lo table 100
    iptables -t mangle -A PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-mark 1
    nginx -c ${dir}/nginx.conf`);
}, 60_000);

afterAll(async () => {
  const ended = new Promise((done) => outer.once('exit', done));
  // The first process of a process namespace takes all others with it.
  if (init) process.kill(Number(init), 'SIGKILL');
  else outer.kill('SIGKILL');
  await ended;
  await rm(dir, { recursive: true, force: true });
});

async function check(): Promise<Report> {
  const { stdout } = await execa('nsenter', ['-a', '-t', init, process.execPath, program, 'check', '--json'], {
    reject: false,
    timeout: 60_000,
  });
  return JSON.parse(stdout) as Report;
}

async function forgotten(): Promise<Diagnosis | undefined> {
  const { diagnoses, verdict } = await check();
  expect(verdict).toBe('healthy');
  return diagnoses.find(({ cause }) => cause === 'proxy/rules-not-persistent');
}

const kinds = (found: Diagnosis | undefined) => found?.evidence.map(({ what }) => /policy rule|local route|MARK/.exec(what)?.[0]).sort();
const everything = ['MARK', 'local route', 'policy rule'];
const files = (entries: Readonly<Record<string, string>>) =>
  Promise.all(
    Object.entries(entries).map(async ([path, text]) => {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }),
  );
const link = (unit: string) =>
  inside(
    `mkdir -p /etc/systemd/system/multi-user.target.wants; ln -sf /lib/systemd/system/${unit} /etc/systemd/system/multi-user.target.wants/${unit}`,
  );

const interfaces = (mark: number, table: number) => `# This file describes the network interfaces available on your system
auto lo eth1
iface lo inet loopback
iface eth1 inet static
    address 172.16.0.1/28
    post-up ip rule add fwmark ${mark} lookup ${table}
    post-up ip route add local 0.0.0.0/0 dev lo table ${table} || true
`;

test('what was typed by hand is named, piece by piece', async () => {
  expect(kinds(await forgotten())).toEqual(everything);
});

test('files of another setup, and rules that nothing loads, change nothing', async () => {
  await files({ 'etc/network/interfaces': interfaces(2, 101) });
  await inside('mkdir -p /etc/iptables; iptables-save > /etc/iptables/rules.v4');
  await link('networking.service');
  const found = await forgotten();
  expect(kinds(found)).toEqual(everything);
  expect(found?.steps.join('\n')).toContain('/etc/iptables/rules.v4');
});

test('the same in the files that are read at boot is nothing to worry about', async () => {
  await files({ 'etc/network/interfaces': interfaces(1, 100) });
  expect(kinds(await forgotten())).toEqual(['MARK']);
  await link('netfilter-persistent.service');
  expect(await forgotten()).toBeUndefined();
});

test('the printed cure ends the risk, and its undo brings it back', async () => {
  await inside('rm -r /etc/network/interfaces /etc/iptables /etc/systemd/system');
  const found = await forgotten();
  for (const step of found?.fix ?? []) if (step.kind === 'command') await inside(step.run);
  expect(await forgotten()).toBeUndefined();
  const undo = found?.fix.flatMap((step) => (step.kind === 'command' && step.undo !== undefined ? [step.undo] : [])) ?? [];
  for (const command of undo.toReversed()) await inside(command);
  expect(kinds(await forgotten())).toEqual(everything);
});
