import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Report } from '../../src/types.js';

const program = fileURLToPath(new URL('../../bin/tpdoctor', import.meta.url));

/** What the configuration of the machine that runs the tests says about boot is no part of another. */
const foreign = ['systemd/system', 'systemd/network', 'systemd/networkd.conf.d', 'network', 'netplan', 'iptables', 'NetworkManager'];

/**
 * A machine of its own as far as a check can tell: network, processes, mounts and /etc are its own, and its first process is called
 * systemd. Nothing of the real machine's boot can be touched from inside: /run is empty, so systemctl works on files alone. It runs nginx
 * on 192.168.99.10 in front of 172.16.0.11, which answers pings and nothing else; what sends replies home was typed by hand.
 */
export class Machine {
  private constructor(
    private readonly dir: string,
    private readonly outer: ChildProcess,
    private readonly init: string,
  ) {}

  static async start(): Promise<Machine> {
    const dir = await mkdtemp(join(tmpdir(), 'tpboot-'));
    await mkdir(join(dir, 'etc'));
    await execa('cp', ['-a', '/etc/.', join(dir, 'etc')]);
    for (const path of foreign) await rm(join(dir, 'etc', path), { recursive: true, force: true });
    await cp('/bin/sleep', join(dir, 'systemd'));
    await writeFile(join(dir, 'nginx.conf'), nginx(dir));
    const arguments_ = ['--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc', 'sh', '-ec', bootScript(dir)];
    const outer = spawn('unshare', arguments_, { stdio: 'ignore' });
    const machine = new Machine(dir, outer, await firstProcess(outer));
    await machine.inside(`${byHand}\nnginx -c ${dir}/nginx.conf`);
    return machine;
  }

  /** Runs a script (`sh -e`) as root in there, for at most a minute. */
  async inside(script: string): Promise<string> {
    const run = await execa('nsenter', ['-a', '-t', this.init, 'sh', '-ec', script], { cwd: '/', stdin: 'ignore', timeout: 60_000 });
    return run.stdout;
  }

  /** `tpdoctor check` of this machine, from inside. */
  async check(): Promise<Report> {
    const words = ['-a', '-t', this.init, process.execPath, program, 'check', '--json'];
    const { stdout } = await execa('nsenter', words, { reject: false, timeout: 60_000 });
    return JSON.parse(stdout) as Report;
  }

  /** Writes files; paths begin with /etc. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.dir, path)), { recursive: true });
      await writeFile(join(this.dir, path), text);
    }
  }

  /** Makes a unit of the distribution start at boot. */
  async enable(unit: string): Promise<void> {
    const wants = '/etc/systemd/system/multi-user.target.wants';
    await this.inside(`mkdir -p ${wants}; ln -sf /lib/systemd/system/${unit} ${wants}/${unit}`);
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.outer.once('exit', done));
    // The first process of a process namespace takes all others with it.
    process.kill(Number(this.init), 'SIGKILL');
    await ended;
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** What sends replies home, as the article types it. */
export const byHand = `ip rule add fwmark 1 lookup 100
ip route add local 0.0.0.0/0 dev lo table 100
iptables -t mangle -A PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-mark 1`;

function bootScript(dir: string): string {
  const links = ['eth0 192.168.99.10/24', 'eth1 172.16.0.1/28'].flatMap((text, i) => {
    const [link, address] = text.split(' ');
    return [
      `ip link add ${link} type veth peer name peer${i}`,
      `ip link set peer${i} up`,
      `ip address add ${address} dev ${link}`,
      `ip link set ${link} up`,
    ];
  });
  return [
    `mount --bind ${dir}/etc /etc`,
    'mount -t tmpfs none /run',
    // As in a container: systemd-networkd then waits for no udev.
    'mount -t sysfs -o ro none /sys',
    'ip link set lo up',
    ...links,
    // The upstream answers pings, no more is asked of it.
    'unshare --net sleep 600 & upstream=$!',
    'while [ "$(readlink /proc/$upstream/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done',
    'ip link set peer1 netns $upstream',
    'nsenter -n -t $upstream ip address add 172.16.0.11/28 dev peer1',
    'nsenter -n -t $upstream ip link set peer1 up',
    `exec ${dir}/systemd 600`,
  ].join('\n');
}

async function firstProcess(outer: ChildProcess): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    await sleep(50);
    const pid = (await readFile(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').catch(() => '')).trim();
    if (pid !== '' && (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')) === 'systemd\n') return pid;
  }
  outer.kill('SIGKILL');
  throw new Error('the machine did not start');
}

const nginx = (dir: string) => `user www-data;
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
