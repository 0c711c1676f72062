import { describe, expect, test } from 'vitest';
import { persistenceByFamily, persistOf } from '../../src/cures/persistence.js';
import type { Facts, Touched } from '../../src/types.js';
import { makeHost } from '../kit/host.js';

const platform = (...family: string[]): Facts['platform'] => ({ os: 'x', family, versionId: '1', kernel: '6.1', init: 'systemd' });
const host = (family: readonly string[], networkManagers: readonly string[] = []) =>
  makeHost({ name: 'proxy', links: { eth0: [] }, facts: { platform: platform(...family), networkManagers } });
const command = 'ip rule add fwmark 0x1 lookup 100 priority 32765';

describe('advice for the next boot', () => {
  test.each([
    [['debian'], ['ifupdown'], '/etc/network/interfaces'],
    [['ubuntu', 'debian'], ['netplan', 'systemd-networkd'], '/etc/netplan/'],
    [['arch'], ['systemd-networkd'], '[RoutingPolicyRule]'],
    [['rocky', 'rhel', 'fedora'], ['NetworkManager', 'firewalld'], 'nmcli'],
    [['opensuse-leap', 'suse', 'opensuse'], ['wicked'], 'ifrule-'],
    [['alpine'], [], '/etc/network/interfaces'],
    [['debian'], [], 'systemctl enable'],
  ])('a policy rule on %j with %j goes where its links are configured', (family, managers, place) => {
    const advice = persistOf('policy-rule', host(family, managers), command);
    expect(advice).toContain(place);
    expect(advice).toContain(command);
  });

  test('sysctls of ufw are read after those of sysctl.d', () => {
    expect(persistOf('sysctl', host(['ubuntu'], ['ufw']), 'net.ipv4.ip_forward = 1')).toContain('/etc/ufw/sysctl.conf');
    expect(persistOf('sysctl', host(['ubuntu']), 'net.ipv4.ip_forward = 1')).not.toContain('ufw');
  });
});

test('every kind of change says for each family how it lasts', () => {
  const kinds: Record<Touched, string[]> = {
    nginx: ['any'],
    sysctl: ['debian', 'rhel', 'suse', 'alpine'],
    firewall: ['debian', 'rhel', 'suse', 'alpine'],
    route: ['debian', 'rhel', 'suse', 'alpine'],
    'policy-rule': ['debian', 'rhel', 'suse', 'alpine'],
    'traffic-control': ['debian', 'rhel', 'suse', 'alpine'],
    unit: ['any'],
    package: ['any'],
    platform: ['any'],
    server: ['any'],
  };
  for (const [kind, families] of Object.entries(kinds))
    expect(persistenceByFamily(kind as Touched).map(({ family }) => family)).toEqual(families);
});
