import { factOf } from '../path/world.js';
import type { FixStep, Snapshot } from '../types.js';
import { commandLine } from './shell.js';

/** What a package is called where. */
export interface PackageNames {
  debian: string;
  rhel: string;
  alpine: string;
}

/** Installs or brings up to date a package of the distribution; undefined where its package manager is not known. */
export function installPackage(snapshot: Snapshot, names: PackageNames, why: string): FixStep | undefined {
  const family = factOf(snapshot, 'platform')?.family ?? [];
  const is = (...ids: string[]) => ids.some((id) => family.includes(id));
  const run = is('debian', 'ubuntu')
    ? `${commandLine('apt-get', 'update')} && ${commandLine('apt-get', 'install', '-y', names.debian)}`
    : is('rhel', 'fedora', 'centos')
      ? commandLine('dnf', 'install', '-y', names.rhel)
      : is('alpine')
        ? commandLine('apk', 'add', names.alpine)
        : undefined;
  return run === undefined ? undefined : { host: snapshot.host, kind: 'command', run, why };
}
