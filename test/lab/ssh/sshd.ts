import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { quote } from '../../../src/cures/shell.js';
import type { Lab } from '../lab.js';

/** How a host's sshd differs from the usual one. */
export interface SshdOptions {
  /** Further lines of sshd_config; the first of a kind counts. */
  config?: readonly string[];
  /** Variables of what it starts: `LANG=C`. */
  environment?: readonly string[];
  /** Files of the machine that have another content for this sshd and what it starts, and for nobody else. */
  files?: Readonly<Record<string, string>>;
  /** Puts programs into the current directory (`sh -e`), which are found there before any others; root's home lies above it. */
  programs?: string;
}

/** A way by ssh to the hosts of a lab, from outside of its networks, so that nothing about them changes. */
export interface SshAccess {
  /** For `--ssh-config`. */
  config: string;
  directory: string;
  /** `--host proxy=ssh://proxy` for every host, and the configuration. */
  targets: string[];
  /** What a host's sshd has noted. */
  log(host: string): Promise<string>;
}

/** Starts a real sshd on the loopback of hosts, all of them when none are named, and gives root the way in. */
export async function openSshd(lab: Lab, options: Readonly<Record<string, SshdOptions>> = {}): Promise<SshAccess> {
  const directory = join(lab.dir, 'ssh');
  await mkdir(directory);
  await mkdir('/run/sshd', { recursive: true });
  for (const name of ['host', 'user'])
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(directory, name)]);
  for (const { name } of lab.hosts) await startSshd(lab, directory, name, options[name] ?? {});
  const config = join(directory, 'config');
  const { stdout: hostKey } = await execa('ssh-keygen', ['-y', '-f', join(directory, 'host')]);
  await writeFile(join(directory, 'known_hosts'), `tplab ${hostKey}\n`);
  await writeFile(config, clientConfig(lab, directory));
  const targets = lab.hosts.flatMap(({ name }) => ['--host', `${name}=ssh://${name}`]);
  return {
    config,
    directory,
    targets: [...targets, '--ssh-config', config],
    log: (host) => readFile(join(directory, host, 'log'), 'utf8'),
  };
}

async function startSshd(
  lab: Lab,
  directory: string,
  host: string,
  { config = [], environment = [], files = {}, programs = '' }: SshdOptions,
): Promise<void> {
  const own = join(directory, host);
  await mkdir(join(own, 'bin'), { recursive: true });
  await writeFile(
    join(own, 'sshd_config'),
    [...config, ...usual(directory), `SetEnv ${[`PATH=${own}/bin:/usr/local/bin:/usr/bin:/bin`, ...environment].join(' ')}`, ''].join('\n'),
  );
  // root's home is here: what the machine's own shells read at their start is no part of a test.
  const passwd = (files['/etc/passwd'] ?? (await readFile('/etc/passwd', 'utf8'))).replace(/^(root:(?:[^:]*:){4})[^:]*/m, `$1${own}`);
  const mounts = await Promise.all(
    Object.entries({ ...files, '/etc/passwd': passwd }).map(async ([path, text], n) => {
      const file = join(own, `file-${n}`);
      // Programs may be replaced, too; sudo reads no file that others may write.
      await writeFile(file, text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
      return `mount --bind ${quote(file)} ${quote(path)}`;
    }),
  );
  const start = [
    `cd ${quote(join(own, 'bin'))}`,
    programs,
    ...mounts,
    `exec /usr/sbin/sshd -f ${quote(join(own, 'sshd_config'))} -E ${quote(join(own, 'log'))}`,
  ].join('\n');
  await lab.must(host, `unshare --mount sh -ec ${quote(start)}`);
}

const usual = (directory: string): string[] => [
  'ListenAddress 127.0.0.1',
  'Port 22',
  'PidFile none',
  'LogLevel VERBOSE',
  `HostKey ${directory}/host`,
  `AuthorizedKeysFile ${directory}/user.pub`,
  // What lies below /tmp is nobody's home.
  'StrictModes no',
  'UsePAM no',
  'PermitRootLogin yes',
  'PasswordAuthentication no',
  'KbdInteractiveAuthentication no',
];

function clientConfig(lab: Lab, directory: string): string {
  const hosts = lab.hosts.flatMap(({ name, namespace }) => [`Host ${name}`, `  HostName ${namespace}`]);
  return [
    ...hosts,
    'Host *',
    '  User root',
    `  IdentityFile ${directory}/user`,
    '  IdentitiesOnly yes',
    '  HostKeyAlias tplab',
    `  UserKnownHostsFile ${directory}/known_hosts`,
    '  GlobalKnownHostsFile /dev/null',
    '  ProxyCommand nsenter --net=/run/netns/%h busybox nc 127.0.0.1 22',
    '',
  ].join('\n');
}
