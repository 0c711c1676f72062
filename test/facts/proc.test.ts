import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClock } from '../../src/facts/clock.js';
import { parsePaired, parseSingle } from '../../src/facts/counters.js';
import { parseConfig, parseModules, read as readFeatures } from '../../src/facts/kernel-features.js';
import { read as readManagers } from '../../src/facts/network-managers.js';
import { summaryOf } from '../../src/facts/pings.js';
import { parseOsRelease } from '../../src/facts/platform.js';
import { parseSockets } from '../../src/facts/sockets.js';
import { parseSysctls } from '../../src/facts/sysctls.js';
import type { Host, Query } from '../../src/types.js';
import { fixture } from './fixtures.js';

/** A host that has these files and nothing else; `grep` gives a file whole. */
function hostWith(files: Record<string, string>): Host {
  const pathOf = (query: Query) =>
    'read' in query ? query.read : 'grep' in query ? query.in : 'glob' in query ? query.glob : (query.run.at(-1) ?? '');
  return async (query) => {
    const text = files[pathOf(query)];
    if (text === undefined) return 'glob' in query ? { ok: true, text: '', stderr: '' } : { ok: false, why: 'No such file or directory' };
    return { ok: true, text, stderr: '' };
  };
}

describe('clock', () => {
  test('time with its fraction, zone and uptime', () => {
    expect(parseClock('1700000000.250000000 +0530\n', '12345.67 999.99\n')).toEqual({
      epochSeconds: 1700000000.25,
      utcOffsetSeconds: 19_800,
      uptimeSeconds: 12345.67,
    });
    expect(parseClock('1700000000.000000000 -0330', '1.00 1.00').utcOffsetSeconds).toBe(-12_600);
  });

  test('a date without fractions still tells the time, one without a time does not', () => {
    expect(parseClock('1700000000.%N +0000', '1 1').epochSeconds).toBe(1_700_000_000);
    expect(() => parseClock('today', '1 1')).toThrow();
    expect(() => parseClock('1700000000 +0000', '')).toThrow();
  });
});

describe('counters', () => {
  test('bear the names that nstat gives them', () => {
    const counters = {
      ...parsePaired(fixture('proc/snmp.txt')),
      ...parsePaired(fixture('proc/netstat.txt')),
      ...parseSingle(fixture('proc/snmp6.txt')),
    };
    const names = [
      'IpInAddrErrors',
      'IpForwDatagrams',
      'IpOutNoRoutes',
      'TcpAttemptFails',
      'UdpNoPorts',
      'IcmpOutDestUnreachs',
      'TcpExtIPReversePathFilter',
      'IpExtInOctets',
      'Ip6InAddrErrors',
    ];
    expect(names.filter((name) => !Number.isInteger(counters[name]))).toEqual([]);
    expect(parsePaired('Ip: Forwarding InReceives\nIp: 2 10763\n')).toEqual({ IpForwarding: 2, IpInReceives: 10763 });
  });

  test('a line of names without its values is left out', () => {
    expect(parsePaired('Ip: A B\nTcp: 1 2\n')).toEqual({});
  });
});

describe('sockets', () => {
  test('addresses are read word by word, ports plainly', () => {
    const lines = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060 1 0 100 0 0 10 0',
      '   1: 0B0010AC:0050 076433C6:C001 01 00000000:00000000 00:00000000 00000000     0        0 1061 1 0 100 0 0 10 0',
      ' 812: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1 2 0 0',
    ];
    expect(parseSockets(lines.join('\n'), 'tcp')).toEqual([
      { protocol: 'tcp', state: 'LISTEN', localAddress: '127.0.0.1', localPort: 8080 },
      { protocol: 'tcp', state: 'ESTAB', localAddress: '172.16.0.11', localPort: 80, peerAddress: '198.51.100.7', peerPort: 49153 },
      { protocol: 'tcp', state: 'UNCONN', localAddress: '2001:db8::1', localPort: 53 },
    ]);
  });

  test('any text is read without an exception', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const socket of parseSockets(text, 'udp')) expect(socket.localPort).toBeLessThan(65_536);
      }),
    );
  });
});

describe('sysctls', () => {
  test('only those that matter are kept, whatever the link is called', () => {
    const text = [
      '/proc/sys/net/ipv4/conf/eth0.100/rp_filter:1',
      '/proc/sys/net/ipv4/conf/all/arp_announce:0',
      '/proc/sys/net/ipv6/conf/eth0/stable_secret:2001:db8::1',
      '/proc/sys/net/ipv6/conf/all/forwarding:1',
      '/proc/sys/net/ipv4/ip_local_port_range:32768\t60999',
      '/proc/sys/net/ipv4/tcp_fastopen_key:00-00',
      'grep: /proc/sys/net/x: Permission denied',
    ];
    expect(parseSysctls(text.join('\n'))).toEqual({
      'net/ipv4/conf/eth0.100/rp_filter': '1',
      'net/ipv6/conf/all/forwarding': '1',
      'net/ipv4/ip_local_port_range': '32768 60999',
    });
  });
});

describe('kernel features', () => {
  const release = '6.1.0-18-amd64';
  const base = { '/proc/sys/kernel/osrelease': `${release}\n` };
  const features = async (files: Record<string, string>) => {
    const fact = await readFeatures(hostWith({ ...base, ...files }));
    return fact.ok ? fact.value.features : undefined;
  };

  test('an option that is off or not mentioned is false, built in is true', async () => {
    const config = '# CONFIG_NET_ACT_NAT is not set\nCONFIG_NF_TABLES=y\n';
    expect(await features({ '/proc/config.gz': config })).toMatchObject({ act_nat: false, nf_tables: true, cls_u32: false });
  });

  test('a module counts where its file is: distributions put some into packages of their own', async () => {
    const boot = `/boot/config-${release}:CONFIG_NET_ACT_NAT=m\n/boot/config-${release}:CONFIG_NET_CLS_U32=m\n`;
    const dep = `/lib/modules/${release}/modules.dep:kernel/net/sched/cls_u32.ko.xz: kernel/x.ko\n`;
    const files = { [`/boot/config-${release}`]: boot, [`/lib/modules/${release}/modules.dep`]: dep };
    expect(await features(files)).toMatchObject({ act_nat: false, cls_u32: true, nft_socket: false });
  });

  test('with neither configuration nor modules, as in a container, nothing is claimed', async () => {
    expect(Object.values((await features({})) ?? { x: true }).filter((value) => value !== undefined)).toEqual([]);
  });

  test('names are read with the file in front and without', () => {
    expect([
      ...parseModules('kernel/net/netfilter/xt_TPROXY.ko: a/b.ko\n/lib/modules/6.1/modules.builtin:kernel/net/sched/act_nat.ko\n'),
    ]).toEqual(['xt_TPROXY', 'act_nat']);
    expect(parseConfig('CONFIG_NF_TABLES=m\n', ['CONFIG_NF_TABLES']).get('CONFIG_NF_TABLES')).toBe('m');
  });
});

test('os-release names the family of a derivative too', () => {
  const text = 'PRETTY_NAME="Rocky Linux 9.3 (Blue Onyx)"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.3"\n';
  expect(parseOsRelease(text)).toEqual({
    os: 'Rocky Linux 9.3 (Blue Onyx)',
    family: ['rocky', 'rhel', 'centos', 'fedora'],
    versionId: '9.3',
  });
  expect(parseOsRelease('')).toEqual({ os: 'unknown', family: [], versionId: '' });
});

test('managers are known by their process, and those without one by their files', async () => {
  const files = {
    '/proc/[0-9]*/comm': '/proc/1/comm:dockerd\n/proc/22/comm:systemd-network\n',
    '/etc/netplan/*.yaml': '/etc/netplan/01.yaml\n',
  };
  expect(await readManagers(hostWith(files))).toEqual({ ok: true, value: ['docker', 'netplan', 'systemd-networkd'] });
});

test('the summary of a ping is one line', () => {
  const text =
    'PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\n--- statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\n';
  expect(summaryOf(text)).toBe('1 packets transmitted, 1 received, 0% packet loss, time 0ms');
  expect(summaryOf('')).toBeUndefined();
});
