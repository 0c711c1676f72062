import { factOf } from '../path/world.js';
import type { FixStep, Snapshot } from '../types.js';
import { commandLine } from './shell.js';

/** What a package is called where. */
export interface PackageNames {
  debian: string;
  rhel: string;
  alpine: string;
}

type Manager = keyof PackageNames;

const installing: Readonly<Record<Manager, (name: string) => string>> = {
  debian: (name) => `${commandLine('apt-get', 'update')} && ${commandLine('apt-get', 'install', '-y', name)}`,
  rhel: (name) => commandLine('dnf', 'install', '-y', name),
  alpine: (name) => commandLine('apk', 'add', name),
};
const removing: Readonly<Record<Manager, (name: string) => string>> = {
  debian: (name) => commandLine('apt-get', 'purge', '-y', name),
  rhel: (name) => commandLine('dnf', 'remove', '-y', name),
  alpine: (name) => commandLine('apk', 'del', name),
};

function managerOf(snapshot: Snapshot): Manager | undefined {
  const family = factOf(snapshot, 'platform')?.family ?? [];
  const is = (...ids: string[]) => ids.some((id) => family.includes(id));
  if (is('debian', 'ubuntu')) return 'debian';
  if (is('rhel', 'fedora', 'centos')) return 'rhel';
  return is('alpine') ? 'alpine' : undefined;
}

/** Installs a package of the distribution that the host does not have; undefined where its package manager is not known. */
export function installPackage(snapshot: Snapshot, names: PackageNames, why: string): FixStep | undefined {
  const manager = managerOf(snapshot);
  if (!manager) return undefined;
  const name = names[manager];
  return { host: snapshot.host, kind: 'command', run: installing[manager](name), undo: removing[manager](name), why };
}

/** Brings a package up to date. There is no undo: only the distribution's archive knows whether the older version can still be had. */
export function upgradePackage(snapshot: Snapshot, names: PackageNames, why: string): FixStep | undefined {
  const manager = managerOf(snapshot);
  if (!manager) return undefined;
  return {
    host: snapshot.host,
    kind: 'command',
    run: installing[manager](names[manager]),
    why: `${why}; there is no undo, as the archive may not have the older version any more`,
  };
}
