import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { sources } from '../../src/facts/boot/sources.js';

/** The lines that a host's own grep sends of a file. */
function sent(pattern: string, text: string): string[] {
  const only = sources.find((source) => source.in === pattern)?.only;
  if (only === undefined) throw new Error(`${pattern} is asked for whole`);
  const { stdout, status } = spawnSync('grep', ['-e', only], { input: text, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  if (status !== 0 && status !== 1) throw new Error(`grep does not understand ${only}`);
  return stdout.split('\n').filter((line) => line !== '');
}

describe('what matters leaves the host, and what is secret does not', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    [
      '/etc/systemd/network/*.network',
      [
        '[Match]',
        'Name=eth1',
        '[Network]',
        'Address=172.16.0.1/28',
        'IPMasquerade=ipv4',
        '[Route]',
        'Type=local',
        'Table=100',
        '[RoutingPolicyRule]',
        'FirewallMark=1',
        'Family=both',
      ],
      ['PrivateKey=AAAA', 'Password=x', '#Table=100'],
    ],
    [
      '/etc/NetworkManager/system-connections/*',
      [
        '[ipv4]',
        'interface-name=eth1',
        'method=manual',
        'address1=172.16.0.1/28,172.16.0.2',
        'route1=0.0.0.0/0',
        'route1_options=table=100,type=local',
        'routing-rule1=priority 5 fwmark 0x1 table 100',
      ],
      ['psk=secret', 'password=secret', 'private-key=secret'],
    ],
    [
      '/etc/netplan/*.yaml',
      [
        'network:',
        '    eth1:',
        '      addresses: [172.16.0.1/28]',
        '      dhcp4: true',
        '      routes:',
        '        - to: default',
        '          via: 172.16.0.2',
        '        - {to: default, via: 172.16.0.2}',
        '      routing-policy:',
        '          mark: 1',
        '          table: 100',
      ],
      ['          password: "secret"', '      - password: secret', '          key: secret'],
    ],
    [
      '/etc/sysctl.d/*.conf',
      ['net.ipv4.ip_forward=1', '-net.ipv4.conf.all.rp_filter', 'net/ipv4/ip_forward = 1'],
      ['#net.ipv4.ip_forward=1', 'kernel.sysrq = 1'],
    ],
    [
      '/etc/wireguard/*.conf',
      ['PostUp = ip rule add fwmark 1 lookup 100', 'PreUp=sysctl -w net.ipv4.ip_forward=1'],
      ['PrivateKey = AAAA', 'PresharedKey = BBBB'],
    ],
    [
      '/etc/systemd/system/*.wants/*.service',
      [
        'ExecStart=/usr/sbin/nft -f /etc/nftables.conf',
        'ExecStartPost=-/sbin/ip rule add fwmark 1 lookup 100',
        'ExecStart=/usr/local/sbin/tproxy up',
      ],
      ['ExecStart=/usr/sbin/agent --token=secret', 'ExecStop=/sbin/ip rule del fwmark 1', 'Environment=TOKEN=secret'],
    ],
    [
      '/etc/rc.local',
      [
        'ip rule add fwmark 1 lookup 100',
        '/sbin/tc qdisc add dev eth0 root handle 10: htb',
        'echo 1 > /proc/sys/net/ipv4/ip_forward',
        'ip6tables-restore < /etc/x',
      ],
      ['echo zip', 'mount /mnt', 'skip it'],
    ],
    [
      '/etc/cron.d/*',
      ['@reboot root /sbin/ip rule add fwmark 1 lookup 100'],
      ['5 * * * * root ip rule add fwmark 1', '#@reboot root ip rule add fwmark 1'],
    ],
  ])('%s', (pattern, wanted, unwanted) => {
    expect(sent(pattern, [...wanted, ...unwanted].join('\n'))).toEqual(wanted);
  });
});

test('every expression is one that grep understands', () => {
  for (const { in: pattern, only } of sources) if (only !== undefined) expect(() => sent(pattern, 'x')).not.toThrow();
});
