import type { BootConfiguration, BootFile, BootKind } from '../../src/types.js';
import { addressOf, type Change, iptablesTable, mangle4, upstreams } from './article.js';
import { changeFact } from './change.js';

/** A boot file from its text, all lines counted. */
export function bootFile(kind: BootKind, path: string, text: string): BootFile {
  const lines = text.split('\n').map((line, i) => ({ line: i + 1, text: line }));
  return { kind, path, lines: lines.filter((line) => !/^\s*(?:[#;].*)?$/.test(line.text)) };
}

/** Says what a host's boot brings; without it a made host is one whose boot files say nothing about its network namespace. */
export function setBoot(host: string, { files = [], enabled = ['ssh'], ...rest }: Partial<BootConfiguration> = {}): Change {
  return (hosts) => {
    const snapshot = hosts.get(host);
    if (!snapshot) throw new Error(`no host ${host}`);
    hosts.set(host, { ...snapshot, facts: { ...snapshot.facts, bootConfiguration: { ok: true, value: { files, enabled, ...rest } } } });
  };
}

export function setManagers(host: string, ...names: readonly string[]): Change {
  return changeFact(host, 'networkManagers', () => names);
}

const mangle6 = ['-A PREROUTING -s fd00:16::/64 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff'];
export const v4 = bootFile('iptables-save', '/etc/iptables/rules.v4', iptablesTable('mangle', mangle4));
export const v6 = bootFile('iptables-save', '/etc/iptables/rules.v6', iptablesTable('mangle', mangle6));
export const sysctls = bootFile(
  'sysctl',
  '/etc/sysctl.d/10-tp.conf',
  'net.ipv4.ip_forward=1\nnet.ipv6.conf.all.forwarding = 1\nnet.ipv4.udp_early_demux = 0',
);
const filters = upstreams.map(
  (name) =>
    `ExecStart=/sbin/tc filter add dev eth0 parent 10: protocol ip prio 10 u32 match ip src ${addressOf(name)} match ip sport 53 0xffff action nat egress ${addressOf(name)} 192.168.99.10`,
);
export const unit = bootFile(
  'unit',
  '/etc/systemd/system/multi-user.target.wants/tp.service',
  [
    'ExecStart=/sbin/ip rule add fwmark 1 lookup 100',
    'ExecStart=/sbin/ip -6 rule add fwmark 1 lookup 100',
    'ExecStart=/sbin/ip route add local default dev lo table 100',
    "ExecStart=/bin/sh -c 'ip -6 route add local ::/0 dev lo table 100'",
    ...filters,
  ].join('\n'),
);
/** Everything that the article's proxy needs at boot, with what has to be enabled for it. */
export const whole: readonly BootFile[] = [v4, v6, sysctls, unit];
export const enabled = ['netfilter-persistent', 'tp'];
