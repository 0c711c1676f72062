import { factOf } from '../path/world.js';
import type { Snapshot } from '../types.js';

export type Distribution = 'debian' | 'rhel' | 'suse' | 'alpine' | 'other';

/** ID and ID_LIKE of os-release, as derivatives write them. */
const distributions: ReadonlyMap<string, Distribution> = new Map([
  ...(['debian', 'ubuntu', 'raspbian'] as const).map((id) => [id, 'debian'] as const),
  ...(['rhel', 'fedora', 'centos', 'rocky', 'almalinux', 'ol', 'amzn'] as const).map((id) => [id, 'rhel'] as const),
  ...(['suse', 'sles', 'opensuse'] as const).map((id) => [id, 'suse'] as const),
  ['alpine', 'alpine'],
]);

export function distributionOf(snapshot: Snapshot): Distribution {
  const ids = factOf(snapshot, 'platform')?.family ?? [];
  return ids.map((id) => distributions.get(id.replace(/^opensuse-.*/, 'opensuse'))).find((found) => found !== undefined) ?? 'other';
}

export type LinkManager = 'netplan' | 'systemd-networkd' | 'NetworkManager' | 'wicked' | 'ifupdown';

/** netplan writes the files of networkd or NetworkManager: where it is, those are not edited. */
const linkManagers: readonly LinkManager[] = ['netplan', 'systemd-networkd', 'NetworkManager', 'wicked', 'ifupdown'];

/** What brings the host's addresses and routes up at boot; undefined when that was not seen. */
export function linkManagerOf(snapshot: Snapshot): LinkManager | undefined {
  const found = factOf(snapshot, 'networkManagers') ?? [];
  return linkManagers.find((name) => found.includes(name)) ?? (distributionOf(snapshot) === 'alpine' ? 'ifupdown' : undefined);
}

export function hasManager(snapshot: Snapshot, name: string): boolean {
  return factOf(snapshot, 'networkManagers')?.includes(name) ?? false;
}
