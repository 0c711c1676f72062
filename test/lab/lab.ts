import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { articleTopology } from './article.js';
import { mountsFile } from './firewall-managers.js';
import { Keeper } from './keeper.js';
import { type ProbeResult, probe } from './probe.js';
import { restartNginx } from './services.js';
import { debianSysctls, type HostPlan, type Topology } from './topology.js';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Something done to a running lab: a script, or texts in the host's nginx.conf replaced by others, after which its nginx is restarted. */
export type Change = { host: string; run: string } | { host: string; replace: readonly Replacement[] };

/** The first text, which must be there exactly once, becomes the second. */
export type Replacement = readonly [from: string, to: string];

/** The namespace with the bridges; it can be given to `exec`, but it is no host that a person could log in to. */
const switchName = 'switch';

/** Running hosts. Made by raiseLab. */
export class Lab {
  readonly id: string;
  readonly hosts: readonly { name: string; namespace: string }[];

  constructor(
    readonly topology: Topology,
    /** One directory per host below it, named like the host: configuration, logs, pid files. */
    readonly dir: string,
    id: string,
    private readonly keeper: Keeper,
  ) {
    this.id = id;
    this.hosts = topology.hosts.map(({ name }) => ({ name, namespace: this.namespaceOf(name) }));
  }

  namespaceOf(host: string): string {
    return `${this.id}-${host}`;
  }

  directoryOf(host: string): string {
    return join(this.dir, host);
  }

  /** `--host client=netns:…` for every host. */
  hostArguments(): string[] {
    return this.hosts.flatMap(({ name, namespace }) => ['--host', `${name}=netns:${namespace}`]);
  }

  /** Runs a POSIX sh script (`-e`) as root in the host's namespaces and directory, at most 60 seconds. `$LAB` is the lab's id. */
  async exec(host: string, script: string): Promise<Outcome> {
    const directory = this.directoryOf(host);
    const holder = (await readFile(join(directory, mountsFile), 'utf8').catch(() => '')).trim();
    const mounts = holder === '' ? [] : [`--mount=/proc/${holder}/ns/mnt`, `--wd=${directory}`];
    const result = await execa('nsenter', [`--net=/run/netns/${this.namespaceOf(host)}`, ...mounts, 'sh', '-ec', script], {
      cwd: directory,
      env: { LAB: this.id, PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      stdin: 'ignore',
      timeout: 60_000,
      reject: false,
    });
    return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
  }

  /** Like `exec`, for what must succeed. */
  async must(host: string, script: string): Promise<string> {
    const { code, stdout, stderr } = await this.exec(host, script);
    if (code !== 0) throw new Error(`${host}: exit ${code}: ${stderr || stdout}\nof: ${script}`);
    return stdout;
  }

  async change(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      if ('run' in change) await this.must(change.host, change.run);
      else await this.reconfigure(change.host, change.replace);
    }
  }

  /** Real traffic from a client, over one of the topology's services. */
  probe(service: string, count?: number): Promise<ProbeResult> {
    const plan = this.topology.probes[service];
    if (!plan) throw new Error(`this topology has no service ${service}`);
    return probe(this, plan, count);
  }

  /** Ends every process in the lab's namespaces and removes what was made. May be called again. */
  remove(): Promise<void> {
    return this.keeper.removeAll();
  }

  private async reconfigure(host: string, replacements: readonly Replacement[]): Promise<void> {
    const path = join(this.directoryOf(host), 'nginx.conf');
    let text = await readFile(path, 'utf8');
    for (const [from, to] of replacements) {
      const parts = text.split(from);
      if (parts.length !== 2) throw new Error(`${path} has ${parts.length - 1} times: ${from}`);
      text = parts.join(to);
    }
    await writeFile(path, text);
    await this.must(host, restartNginx());
  }
}

/** Builds the hosts and starts their services; all of them answer when this resolves. After a failure nothing is left. Needs root. */
export async function raiseLab(topology: Topology = articleTopology()): Promise<Lab> {
  const keeper = new Keeper();
  try {
    const id = `tp${randomBytes(3).toString('hex')}`;
    const dir = await mkdtemp(join(tmpdir(), 'tplab-'));
    keeper.record('directory', dir);
    // Workers run as another user and write below it.
    await chmod(dir, 0o755);
    const lab = new Lab(topology, dir, id, keeper);
    const names = [switchName, ...topology.hosts.map((host) => host.name)];
    for (const name of names) keeper.record('netns', lab.namespaceOf(name));
    await ipBatch(names.map((name) => `netns add ${lab.namespaceOf(name)}`));
    await Promise.all(names.map((name) => mkdir(lab.directoryOf(name))));
    await connect(lab);
    await Promise.all(topology.hosts.map((host) => setUp(lab, host)));
    return lab;
  } catch (error) {
    await keeper.removeAll();
    throw error;
  }
}

async function ipBatch(lines: readonly string[], namespace?: string): Promise<void> {
  await execa('ip', [...(namespace === undefined ? [] : ['-netns', namespace]), '-batch', '-'], { input: lines.join('\n') });
}

/** Bridges in the switch, and a veth pair for each link whose host end is already in its host. */
async function connect(lab: Lab): Promise<void> {
  // Where br_netfilter is loaded, bridged frames would meet the switch's own netfilter hooks.
  await lab.must(switchName, 'for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$f" ] || echo 0 > "$f"; done');
  const bridges = lab.topology.segments.map((segment) => `link add ${segment} up type bridge stp_state 0 forward_delay 0 mcast_snooping 0`);
  const cables = lab.topology.hosts.flatMap((host) =>
    host.links.map(({ segment }, i) => {
      const port = `${host.name}-${i}`;
      return `link add ${port} up master ${segment} type veth peer name eth${i} netns ${lab.namespaceOf(host.name)}`;
    }),
  );
  await ipBatch([...bridges, ...cables], lab.namespaceOf(switchName));
}

async function setUp(lab: Lab, host: HostPlan): Promise<void> {
  for (const [name, text] of Object.entries(host.files ?? {})) await writeFile(join(lab.directoryOf(host.name), name), text);
  const sysctls = Object.entries({ ...debianSysctls, ...host.sysctls });
  const links = [
    'link set lo up',
    ...host.links.flatMap(({ addresses }, i) => [...addresses.map((a) => `address add ${a} dev eth${i}`), `link set eth${i} up`]),
  ];
  await lab.must(
    host.name,
    [
      ...sysctls.map(([path, value]) => `for f in /proc/sys/net/${path}; do echo ${value} > "$f"; done`),
      `ip -batch - <<'END'\n${links.join('\n')}\nEND`,
      host.setup ?? '',
    ].join('\n'),
  );
}
