import { describe, expect, test } from 'vitest';
import { lastingInFirewalld, lastingIptables, lastingNft } from '../../src/cures/lasting-rules.js';
import type { FirewallTable } from '../../src/types.js';
import { makeHost } from '../kit/host.js';

const host = (family: string, ...networkManagers: string[]) =>
  makeHost({
    name: 'proxy',
    links: { eth0: [] },
    facts: { platform: { os: 'x', family: [family], versionId: '1', kernel: '6.1', init: 'systemd' }, networkManagers },
  });

const mark = {
  frontEnd: 'iptables-nft',
  family: 4,
  table: 'mangle',
  chain: 'PREROUTING',
  words: ['-p', 'tcp', '-m', 'tcp', '--sport', '80', '-j', 'MARK', '--set-xmark', '0x1/0xffffffff'],
} as const;

describe('a rule made by hand lasts where the host keeps such', () => {
  test('by its distribution', () => {
    expect(lastingIptables(host('debian'), { ...mark, family: 6 })).toContain('ip6tables-nft-save > /etc/iptables/rules.v6');
    expect(lastingIptables(host('rhel'), { ...mark, frontEnd: 'iptables' })).toContain('/etc/sysconfig/iptables');
    expect(lastingIptables(host('alpine'), { ...mark, frontEnd: 'iptables' })).toContain('rc-service iptables save');
    expect(lastingNft(host('rhel'))).toContain('/etc/sysconfig/nftables.conf');
  });

  test('with firewalld as a direct rule of its own, in the very words; tables of nft stay but for reboots', () => {
    const words = 'PREROUTING 0 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff';
    expect(lastingIptables(host('debian', 'firewalld'), mark)).toContain(
      `firewall-cmd --permanent --direct --add-rule ipv4 mangle ${words}`,
    );
    expect(lastingIptables(host('debian', 'firewalld'), { ...mark, family: 6 })).toContain(`--add-rule ipv6 mangle ${words}`);
    expect(lastingNft(host('debian', 'firewalld'))).toContain('nft -f from a unit');
  });

  test('with ufw in its files, where the filter table has chains of its own', () => {
    const line = '-A PREROUTING -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff';
    expect(lastingIptables(host('debian', 'ufw'), mark)).toContain(`put "${line}" into /etc/ufw/before.rules, between *mangle and COMMIT`);
    const accept = { ...mark, family: 6, table: 'filter', chain: 'INPUT', words: ['-m', 'mark', '--mark', '0x1', '-j', 'ACCEPT'] } as const;
    expect(lastingIptables(host('debian', 'ufw'), accept)).toContain(
      'put "-A ufw6-before-input -m mark --mark 0x1 -j ACCEPT" into /etc/ufw/before6.rules',
    );
  });
});

/** firewalld's own, with masquerade in its zone external. */
const table: FirewallTable = {
  source: 'nft',
  family: 'inet',
  name: 'firewalld',
  chains: [
    { name: 'nat_POST_public_allow', rules: [] },
    { name: 'nat_POST_external_allow', rules: [{ text: 'meta nfproto ipv4 oifname != "lo" masquerade', steps: [{ do: 'masquerade' }] }] },
  ],
  sets: {},
};

test('what was admitted in a chain of firewalld gets what brings the same back: a policy, or no look at the way back', () => {
  const replies = { family: 4, protocol: 17, sources: ['172.16.0.11', '172.16.0.12'], sourcePort: 53 } as const;
  const policy = lastingInFirewalld(table, 'forward', replies);
  expect(policy).toContain('firewall-cmd --permanent --new-policy=replies-udp53');
  expect(policy.match(/source address="172\.16\.0\.1\d" source-port port="53" protocol="udp" accept/g)).toHaveLength(2);
  expect(lastingInFirewalld(table, 'prerouting', { family: 6, mark: 1 })).toContain('IPv6_rpfilter=no');
  expect(lastingInFirewalld(table, 'input', { family: 4, mark: 1 })).not.toContain('firewall-cmd');
  const towards = { family: 4, protocol: 6, destinations: ['172.16.0.11'], destinationPort: 80 } as const;
  expect(lastingInFirewalld(table, 'postrouting', towards)).toContain(
    `firewall-cmd --permanent --zone=external --remove-masquerade && firewall-cmd --permanent --zone=external '--add-rich-rule=rule family="ipv4" source address="172.16.0.11" masquerade'`,
  );
});
