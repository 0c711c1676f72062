import { factOf } from '../../path/world.js';
import type { BootConfiguration, BootFile, Snapshot } from '../../types.js';
import { matchesGlob } from './glob.js';

/** Whether something is started at boot or runs already. Where no link to anything started was found, all may be. */
export function isStarted(snapshot: Snapshot, boot: BootConfiguration, ...names: readonly string[]): boolean {
  if (boot.enabled.length === 0) return true;
  const managers = factOf(snapshot, 'networkManagers') ?? [];
  return names.some((name) => boot.enabled.includes(name) || managers.includes(name));
}

/** The files that something reads at boot: a saved rule that no service loads, and a unit that is not enabled, bring nothing back. */
export function activeFiles(snapshot: Snapshot, boot: BootConfiguration): BootFile[] {
  const active = new Set(boot.files.filter((file) => isRoot(snapshot, boot, file)));
  // A unit names a script, the script a file of rules, and that one includes others.
  for (let round = 0; round < 4; round++)
    for (const file of boot.files) if (!active.has(file) && [...active].some((by) => names(by, file))) active.add(file);
  return boot.files.filter((file) => active.has(file));
}

function isRoot(snapshot: Snapshot, boot: BootConfiguration, { kind, path }: BootFile): boolean {
  const started = (...units: readonly string[]) => isStarted(snapshot, boot, ...units);
  switch (kind) {
    case 'iptables-save':
      if (path.startsWith('/etc/iptables/'))
        return boot.enabled.length === 0 || ['netfilter-persistent', 'iptables', 'ip6tables'].some((name) => boot.enabled.includes(name));
      return path.startsWith('/etc/sysconfig/') && started(path.slice(path.lastIndexOf('/') + 1));
    case 'nft':
      return ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf', '/etc/nftables.nft'].includes(path) && started('nftables');
    case 'interfaces':
      return started('networking', 'ifup');
    case 'networkd':
    case 'networkd-conf':
      return started('systemd-networkd', 'dbus-org.freedesktop.network1');
    case 'NetworkManager':
      return started('NetworkManager');
    case 'ifcfg':
      return started('NetworkManager', 'network', 'wicked', 'wickedd');
    case 'firewalld-direct':
    case 'firewalld-conf':
      return started('firewalld');
    case 'ufw-rules':
    case 'ufw-sysctl':
      return factOf(snapshot, 'networkManagers')?.includes('ufw') ?? false;
    case 'unit':
      return path.includes('.wants/') || started(unitOf(path));
    case 'script':
      return isHook(snapshot, boot, path);
    case 'netplan':
    case 'sysctl':
      return true;
  }
}

/** `/etc/systemd/system/nginx.service.d/10.conf` and `/etc/systemd/system/nginx.service` belong to nginx. */
function unitOf(path: string): string {
  return /\/([^/]+)\.service(?:\.d\/[^/]+)?$/.exec(path)?.[1] ?? path;
}

/** Scripts that some program runs because of where they are. */
function isHook(snapshot: Snapshot, boot: BootConfiguration, path: string): boolean {
  if (path.startsWith('/etc/network/')) return isStarted(snapshot, boot, 'networking');
  if (path.startsWith('/etc/NetworkManager/')) return isStarted(snapshot, boot, 'NetworkManager');
  if (path.startsWith('/etc/networkd-dispatcher/')) return isStarted(snapshot, boot, 'networkd-dispatcher');
  const tunnel = /^\/etc\/wireguard\/([^/]+)\.conf$/.exec(path)?.[1];
  if (tunnel !== undefined) return isStarted(snapshot, boot, `wg-quick@${tunnel}`);
  return /^\/(?:etc\/(?:rc\.local|rc\.d\/|local\.d\/|init\.d\/|cron)|var\/spool\/cron\/)/.test(path);
}

const includes = /^\s*include\s+"([^"]{1,200})"/;

/** Whether a file names another: a unit its script, a script its rules, nft's files those they include. */
function names(by: BootFile, other: BootFile): boolean {
  if (by.kind === 'nft')
    return other.kind === 'nft' && by.lines.some(({ text }) => isIncluded(includes.exec(text)?.[1], other.path, by.path));
  if (by.kind !== 'unit' && by.kind !== 'script' && by.kind !== 'interfaces') return false;
  return by.lines.some(({ text }) => text.includes(other.path));
}

/** A relative pattern starts at /etc, nft's own directory, or where the file itself is. */
function isIncluded(pattern: string | undefined, path: string, from: string): boolean {
  if (pattern === undefined) return false;
  const relative = pattern.replace(/^\.\//, '');
  const whole = pattern.startsWith('/') ? [pattern] : [`/etc/${relative}`, `${from.slice(0, from.lastIndexOf('/'))}/${relative}`];
  return whole.some((each) => matchesGlob(each, path));
}
