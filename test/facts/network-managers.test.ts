import { expect, test } from 'vitest';
import { read as readManagers } from '../../src/facts/network-managers.js';
import { hostWith } from './fixtures.js';

test('managers are known by their process, and those without one by their files', async () => {
  const files = {
    '/proc/[0-9]*/comm': '/proc/1/comm:dockerd\n/proc/22/comm:systemd-network\n',
    '/etc/netplan/*.yaml': '/etc/netplan/01.yaml\n',
  };
  expect(await readManagers(hostWith(files))).toEqual({ ok: true, value: ['docker', 'netplan', 'systemd-networkd'] });
});
