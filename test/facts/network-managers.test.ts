import { expect, test } from 'vitest';
import { read as readManagers } from '../../src/facts/network-managers.js';
import type { Host } from '../../src/types.js';
import { hostWith } from './fixtures.js';

const files: Record<string, string> = {
  ...Object.fromEntries(['dockerd', 'systemd-networkd', 'firewalld'].map((name, n) => [`/proc/${[1, 22, 333][n]}/cmdline`, `${name}\0`])),
  '/proc/[0-9]*/comm': '/proc/1/comm:dockerd\n/proc/22/comm:systemd-network\n/proc/333/comm:firewalld\n',
  '/etc/netplan/*.yaml': '/etc/netplan/01.yaml\n',
};

test('managers are known by their process, and those without one by their files', async () => {
  expect(await readManagers(hostWith(files))).toEqual({ ok: true, value: ['docker', 'firewalld', 'netplan', 'systemd-networkd'] });
});

/** The same with what stat says of the processes' network namespaces, without the files of those that have ended. */
const withNamespaces = (text: string, ended: readonly number[] = []): Host => {
  const gone = ended.map((pid) => `/proc/${pid}/cmdline`);
  const host = hostWith(Object.fromEntries(Object.entries(files).filter(([path]) => !gone.includes(path))));
  return (query) => ('run' in query && query.run[0] === 'stat' ? Promise.resolve({ ok: true, text, stderr: '' }) : host(query));
};

test('a manager in another network namespace manages another host', async () => {
  const host = withNamespaces('4026 /proc/self/ns/net\n4026 /proc/1/ns/net\n5000 /proc/22/ns/net\n5000 /proc/333/ns/net\n');
  expect(await readManagers(host)).toEqual({ ok: true, value: ['docker', 'netplan'] });
});

test('one whose namespace may not be read counts as here', async () => {
  const host = withNamespaces('4026 /proc/self/ns/net\n5000 /proc/22/ns/net\n');
  expect(await readManagers(host)).toEqual({ ok: true, value: ['docker', 'firewalld', 'netplan'] });
});

test('one that ended since it was seen manages nothing', async () => {
  const host = withNamespaces('4026 /proc/self/ns/net\n4026 /proc/1/ns/net\n4026 /proc/22/ns/net\n', [333]);
  expect(await readManagers(host)).toEqual({ ok: true, value: ['docker', 'netplan', 'systemd-networkd'] });
});

test('what files configure is the network namespace of the first process', async () => {
  const at = (first: number) =>
    withNamespaces(`4026 /proc/self/ns/net\n${first} /proc/1/ns/net\n4026 /proc/22/ns/net\n4026 /proc/333/ns/net\n`);
  expect(await readManagers(at(4026))).toEqual({ ok: true, value: ['docker', 'firewalld', 'netplan', 'systemd-networkd'] });
  expect(await readManagers(at(5000))).toEqual({ ok: true, value: ['firewalld', 'systemd-networkd'] });
});
