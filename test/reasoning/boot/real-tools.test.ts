import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pieceText } from '../../../src/cures/piece.js';
import { collect } from '../../../src/facts/collect.js';
import { openHost } from '../../../src/host/target.js';
import { bootOf } from '../../../src/reasoning/boot/boot.js';
import { lostPieces } from '../../../src/reasoning/boot/lost.js';
import type { BootFile, Snapshot } from '../../../src/types.js';
import { bootFile } from '../../kit/boot.js';

/* What a person writes into a boot file against what the kernel's tools then show. */

const name = `fc${process.pid}`;
const inside = (script: string) =>
  execFileSync('ip', ['netns', 'exec', name, 'sh', '-ec', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

beforeEach(() => {
  execFileSync('ip', ['netns', 'add', name]);
  inside(
    'ip link set lo up; ip link add eth0 type veth peer name eth1; ip link set eth0 up; ip link set eth1 up; ip address add 172.16.0.1/28 dev eth1',
  );
});
afterEach(() => {
  execFileSync('ip', ['netns', 'del', name]);
});

async function lostWith(files: readonly BootFile[], enabled: readonly string[] = ['nftables', 'netfilter-persistent']): Promise<string[]> {
  const read = await collect(openHost({ kind: 'netns', name }), 'here', { local: false });
  const managers = { ok: true as const, value: ['ufw'] };
  const snapshot: Snapshot = {
    ...read,
    facts: { ...read.facts, networkManagers: managers, bootConfiguration: { ok: true, value: { files, enabled } } },
  };
  const boot = bootOf(snapshot);
  if (!boot) throw new Error('no boot');
  return lostPieces(snapshot, boot)
    .filter(({ kind }) => kind !== 'sysctl')
    .map(pieceText);
}

const unit = (...commands: readonly string[]) =>
  bootFile(
    'unit',
    '/etc/systemd/system/multi-user.target.wants/x.service',
    commands.map((command) => `ExecStart=/sbin/${command}`).join('\n'),
  );

describe('a command is found again in what it made', () => {
  test.each([
    'ip rule add fwmark 1 lookup 100',
    'ip rule add fwmark 0x1/0xff table 100 pref 50',
    'ip rule add from 172.16.0.0/28 iif eth1 lookup 100 priority 7',
    'ip -6 rule add fwmark 1 table 100',
    'ip rule add from 172.16.0.11 ipproto udp sport 53 lookup 100',
    'ip route add local 0.0.0.0/0 dev lo table 100',
    'ip route add local default dev lo table 100',
    'ip -6 route add local ::/0 dev lo table 100',
    'ip route add default via 172.16.0.2 table 7',
    'iptables -t mangle -A PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-mark 1',
    'iptables -t mangle -I PREROUTING 1 -i eth1 --protocol udp --source 172.16.0.11,172.16.0.12 --source-port 53 --jump MARK --set-xmark 0x1/0xffffffff',
    'iptables -w -t mangle -A PREROUTING -p tcp -m socket --transparent -j MARK --set-mark 1',
    'ip6tables -t mangle -A PREROUTING -p tcp -m tcp --sport 80 -j MARK --set-mark 1 -m comment --comment here',
    'iptables -t raw -A PREROUTING -p udp --sport 53 -j NOTRACK',
  ])('%s', async (command) => {
    inside(command);
    expect(await lostWith([])).not.toEqual([]);
    expect(await lostWith([unit(command)])).toEqual([]);
    expect(await lostWith([unit(command.replace(/\b(?:1|100|53|7|11)\b/g, '99'))])).not.toEqual([]);
  });
});

const rulesets = {
  'as nft lists it': `table ip tp {
	chain pre {
		type filter hook prerouting priority mangle; policy accept;
		ip saddr 172.16.0.0/28 tcp sport 80 meta mark set 0x00000001
	}
}`,
  'as people write it': `#!/usr/sbin/nft -f
flush ruleset
define UP = { 172.16.0.12, 172.16.0.11 }
table inet tp {
    chain pre { type filter hook prerouting priority -150; socket transparent 1 mark set 1 accept; }
    chain more {
        type filter hook prerouting priority -140
        iifname "eth1" ip saddr $UP tcp sport { http, 443 } counter meta mark set 0x1 comment "replies"   # of the upstreams
        ip saddr {
            172.16.0.13,
            172.16.0.14
        } udp sport domain notrack
    }
}`,
  'as commands': `add table ip tp
add chain ip tp out { type filter hook postrouting priority 300 ; }
add rule ip tp out ip saddr 172.16.0.11 udp sport 53 ip saddr set 192.168.99.10`,
};

describe('a rule set of nft is found again', () => {
  test.each(Object.entries(rulesets))('%s', async (_, text) => {
    inside(`nft -f - <<'END'\n${text}\nEND`);
    expect(await lostWith([])).not.toEqual([]);
    expect(await lostWith([bootFile('nft', '/etc/nftables.conf', text)])).toEqual([]);
    expect(await lostWith([bootFile('nft', '/etc/nftables.conf', text)], ['ssh'])).not.toEqual([]);
  });

  test('in a file that the first one includes, and not in one that it does not', async () => {
    const text = rulesets['as nft lists it'];
    inside(`nft -f - <<'END'\n${text}\nEND`);
    const main = bootFile('nft', '/etc/nftables.conf', 'flush ruleset\ninclude "/etc/nftables.d/*.nft"');
    expect(await lostWith([main, bootFile('nft', '/etc/nftables.d/tp.nft', text)])).toEqual([]);
    expect(await lostWith([main, bootFile('nft', '/etc/nftables/tp.nft', text)])).toHaveLength(1);
    const relative = bootFile('nft', '/etc/nftables.conf', 'include "./nftables.d/tp.nft"');
    expect(await lostWith([relative, bootFile('nft', '/etc/nftables.d/tp.nft', text)])).toEqual([]);
  });

  test('with variables of another file, and with one that no file defines', async () => {
    inside(`nft -f - <<'END'\n${rulesets['as nft lists it']}\nEND`);
    const main = bootFile(
      'nft',
      '/etc/nftables.conf',
      `include "/etc/nftables.d/*.nft"\n${rulesets['as nft lists it'].replace('172.16.0.0/28', '$UPSTREAMS')}`,
    );
    expect(
      await lostWith([main, bootFile('nft', '/etc/nftables.d/names.nft', 'define NET = 172.16.0.0/28\ndefine UPSTREAMS = $NET')]),
    ).toEqual([]);
    expect(await lostWith([main, bootFile('nft', '/etc/nftables.d/names.nft', 'define UPSTREAMS = 172.16.9.0/28')])).toHaveLength(1);
    expect(await lostWith([main])).toEqual([]);
  });
});

test('saved rules are found again, by iptables-save and in the sections of ufw', async () => {
  inside('iptables -t mangle -A PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-mark 1');
  const saved = inside('iptables-save');
  expect(await lostWith([bootFile('iptables-save', '/etc/iptables/rules.v4', saved)])).toEqual([]);
  expect(await lostWith([bootFile('iptables-save', '/etc/iptables/rules.v6', saved)])).toHaveLength(1);
  const section = `*filter\n:ufw-before-input - [0:0]\nCOMMIT\n*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-mark 1\nCOMMIT`;
  expect(await lostWith([bootFile('ufw-rules', '/etc/ufw/before.rules', section)])).toEqual([]);
});

test("a direct rule of firewalld's is found again", async () => {
  inside('iptables -t mangle -A PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-mark 1');
  const xml = `<?xml version="1.0" encoding="utf-8"?>
<direct>
  <rule ipv="ipv4" table="mangle" chain="PREROUTING" priority="0">-p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-mark 1</rule>
</direct>`;
  expect(await lostWith([bootFile('firewalld-direct', '/etc/firewalld/direct.xml', xml)], ['firewalld'])).toEqual([]);
  expect(await lostWith([bootFile('firewalld-direct', '/etc/firewalld/direct.xml', xml)])).toHaveLength(1);
});

test.each([
  'for t in 100; do ip rule add fwmark 1 lookup $t; done',
  'ip rule show | grep -q fwmark || /sbin/ip rule add fwmark 0x1 lookup 100 >/dev/null 2>&1',
  'sudo sh -c "sleep 1; ip rule add fwmark 1 table 100"',
  'ip -batch /etc/rules',
  'subprocess.run(["/sbin/ip", "rule", "add", "fwmark", str(mark), "lookup", "100"])',
])('a script may say it as: %s', async (line) => {
  inside('ip rule add fwmark 1 lookup 100');
  expect(await lostWith([bootFile('script', '/etc/rc.local', line)])).toEqual([]);
  expect(await lostWith([bootFile('script', '/root/not-run.sh', line)])).toHaveLength(1);
});

test.each([
  'ip rule del fwmark 1 lookup 100',
  '# ip rule add fwmark 1 lookup 100',
  'ip netns exec x ip rule add fwmark 1 lookup 100',
  'ip rule show',
])('a script does not bring it with: %s', async (line) => {
  inside('ip rule add fwmark 1 lookup 100');
  expect(await lostWith([bootFile('script', '/etc/rc.local', `true\n${line}`)])).toHaveLength(1);
});

test("firewalld's own table is brought back by firewalld, whatever is in its files", async () => {
  inside('nft add table inet firewalld; nft "add chain inet firewalld mangle_PREROUTING { type filter hook prerouting priority -140; }"');
  inside('nft add rule inet firewalld mangle_PREROUTING tcp sport 80 meta mark set 1');
  expect(await lostWith([])).toEqual([]);
});

test('wg-quick runs commands of its own', async () => {
  inside('ip rule add fwmark 1 lookup 100');
  expect(
    await lostWith([bootFile('script', '/etc/wireguard/wg0.conf', 'PostUp = ip rule add fwmark 1 lookup 100')], ['wg-quick@wg0']),
  ).toEqual([]);
  expect(await lostWith([bootFile('script', '/etc/wireguard/wg0.conf', 'PostUp = ip rule add fwmark 1 lookup 100')])).toHaveLength(1);
});

test('rules that a script reads from elsewhere may be any', async () => {
  inside('iptables -t mangle -A PREROUTING -p tcp --sport 80 -j MARK --set-mark 1');
  expect(await lostWith([bootFile('script', '/etc/rc.local', 'fetch-rules | iptables-restore')])).toEqual([]);
  expect(await lostWith([bootFile('script', '/etc/rc.local', 'iptables-restore < /etc/my.rules')])).toHaveLength(1);
});

test('a file made to keep its reader busy does not', async () => {
  inside(`nft -f - <<'END'\n${rulesets['as nft lists it']}\nEND`);
  const bomb = [
    `define A = ${'$B'.repeat(200)}`,
    `define B = ${'$A'.repeat(200)}`,
    ...Array.from({ length: 5900 }, () => `ip saddr { ${'$A '.repeat(150)}`),
  ];
  const lists = Array.from(
    { length: 50 },
    () =>
      `iptables -A INPUT -s ${Array.from({ length: 60 }, (_, i) => `10.0.0.${i}`).join(',')} -d ${'10.1.1.1,'.repeat(60)}10.1.1.1 -j MARK --set-mark 1`,
  );
  const lost = await lostWith([
    bootFile('nft', '/etc/nftables.conf', bomb.join('\n')),
    bootFile('script', '/etc/rc.local', lists.join('\n')),
  ]);
  // The rule may be among them.
  expect(lost).toEqual([]);
});
