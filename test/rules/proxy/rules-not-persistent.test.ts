import { describe, expect, test } from 'vitest';
import rule from '../../../rules/proxy/rules-not-persistent.js';
import type { BootFile, Conclusion } from '../../../src/types.js';
import { articleCase, type Change, mangle4 } from '../../kit/article.js';
import { bootFile, enabled, setBoot, setManagers, sysctls, unit, v4, v6, whole } from '../../kit/boot.js';
import { changeFact, setSysctl } from '../../kit/change.js';
import { causesOf, examineArticle, withoutDsr } from '../../kit/rules.js';

const conclude = (...change: readonly Change[]): Conclusion[] => [...rule.run(articleCase({ change }))];
const told = (...change: readonly Change[]) =>
  conclude(...change).flatMap(({ host, evidence }) => evidence.map(({ what }) => `${host}: ${what}`));

const instead = (file: BootFile, ...by: readonly BootFile[]) =>
  setBoot('proxy', { files: [...whole.filter((each) => each !== file), ...by], enabled });

describe('nothing to say', () => {
  test('where boot files say nothing about the network namespace', () => {
    expect(told()).toEqual([]);
  });

  test('where all is brought back', () => {
    expect(told(setBoot('proxy', { files: whole, enabled }))).toEqual([]);
  });

  test('where a file may not be read', () => {
    expect(told(setBoot('proxy', { incomplete: '/etc/x: Permission denied' }))).toEqual([]);
  });

  test('where a script makes its rules from variables', () => {
    const script = bootFile(
      'unit',
      unit.path,
      unit.lines.map(({ text }) => text.replace(/ lookup 100$| table 100/, (words) => words.replace('100', '$TABLE'))).join('\n'),
    );
    expect(told(instead(unit, script))).toEqual([]);
  });
});

test('with no file at all every piece that a path needs is named, and no other', () => {
  const found = told(setBoot('proxy'));
  expect(found).toContain('proxy: the IPv4 policy rule fwmark 0x1 lookup 100 (priority 32765)');
  expect(found).toContain('proxy: the local route to ::/0 in table 100');
  expect(found).toContain('proxy: net.ipv4.ip_forward = 1');
  expect(found).toContain('proxy: net.ipv4.udp_early_demux = 0');
  expect(found.filter((text) => text.includes('MARK'))).toHaveLength(3);
  expect(found.filter((text) => text.includes('tc filter'))).toHaveLength(4);
});

test('what no service needs is not named: forwarding without Direct Server Return', () => {
  const found = told(setBoot('proxy'), withoutDsr);
  expect(found.filter((text) => /forward|demux|tc filter/.test(text))).toEqual([]);
  expect(found.length).toBeGreaterThan(0);
});

describe('what stands in a file and comes back all the same not', () => {
  test('saved rules that no service loads', () => {
    const [only, ...others] = conclude(setBoot('proxy', { files: whole, enabled: ['tp'] }));
    expect(others).toEqual([]);
    expect(only?.evidence.map(({ what }) => what).every((what) => what.includes('MARK'))).toBe(true);
    expect(only?.evidence).toHaveLength(3);
    expect(only?.steps.join()).toContain('/etc/iptables/rules.v4');
  });

  test('rules of iptables that a service loads, where firewalld empties all that it has not written itself', () => {
    const [only, ...others] = conclude(setManagers('proxy', 'firewalld'), setBoot('proxy', { files: whole, enabled }));
    expect(others).toEqual([]);
    expect(only?.evidence).toHaveLength(3);
    expect(only?.evidence.map(({ what }) => what).every((what) => what.includes('MARK'))).toBe(true);
    expect(only?.steps.join()).toContain('firewalld empties');
    const asDirect = (rule: string) =>
      `<rule ipv="ipv4" table="mangle" chain="PREROUTING" priority="0">${rule.replace('-A PREROUTING ', '')}</rule>`;
    const direct = bootFile('firewalld-direct', '/etc/firewalld/direct.xml', mangle4.map(asDirect).join('\n'));
    const left = told(setManagers('proxy', 'firewalld'), setBoot('proxy', { files: [...whole, direct], enabled }));
    expect(left.filter((text) => text.includes('table ip mangle'))).toEqual([]);
  });

  test('a unit that is not enabled', () => {
    const idle = { ...unit, path: '/etc/systemd/system/tp.service' };
    expect(told(setBoot('proxy', { files: [v4, v6, sysctls, idle], enabled: ['netfilter-persistent'] })).length).toBeGreaterThan(3);
    expect(told(setBoot('proxy', { files: [v4, v6, sysctls, idle], enabled }))).toEqual([]);
  });

  test('rules of another port, another mark, another table', () => {
    const replaced = (from: string, to: string) =>
      bootFile('unit', unit.path, unit.lines.map(({ text }) => text.replace(from, to)).join('\n'));
    expect(
      told(instead(v4, { ...v4, lines: v4.lines.map((line) => ({ ...line, text: line.text.replace('--sport 80', '--sport 8080') })) })),
    ).toEqual([`proxy: the rule "${mangle4[0]}" of table ip mangle`]);
    expect(told(instead(unit, replaced('ip rule add fwmark 1', 'ip rule add fwmark 2')))).toEqual([
      'proxy: the IPv4 policy rule fwmark 0x1 lookup 100 (priority 32765)',
    ]);
    expect(told(instead(unit, replaced('default dev lo table 100', 'default dev lo table 101')))).toEqual([
      'proxy: the local route to 0.0.0.0/0 in table 100',
    ]);
    expect(told(instead(unit, replaced('nat egress 172.16.0.13 192.168.99.10', 'nat egress 172.16.0.13 192.168.99.11')))).toHaveLength(1);
  });

  test('a sysctl that a later file sets otherwise', () => {
    const later = bootFile('sysctl', '/usr/lib/sysctl.d/50-x.conf', 'net.ipv4.ip_forward = 0');
    const [only] = conclude(setBoot('proxy', { files: [...whole, later], enabled }));
    expect(only?.evidence.map(({ what }) => what)).toEqual(['net.ipv4.ip_forward = 1']);
    expect(only?.steps.join()).toContain('/usr/lib/sysctl.d/50-x.conf:1');
    const earlier = { ...later, path: '/usr/lib/sysctl.d/00-x.conf' };
    expect(told(setBoot('proxy', { files: [...whole, earlier], enabled }))).toEqual([]);
  });
});

describe('systemd-networkd', () => {
  const network = bootFile('networkd', '/etc/systemd/network/eth1.network', '[Match]\nName=eth1\n[Network]\nAddress=172.16.0.1/28');
  const files = [...whole, network];
  const started = [...enabled, 'systemd-networkd'];

  test('takes away rules that a script made, from version 248 on, unless it is told not to', () => {
    const running = setManagers('proxy', 'systemd-networkd');
    const foreign = told(running, setBoot('proxy', { files, enabled: started, systemd: 252 }));
    expect(foreign).toEqual([4, 6].map((family) => `proxy: the IPv${family} policy rule fwmark 0x1 lookup 100 (priority 32765)`));
    const shield = bootFile('networkd-conf', '/etc/systemd/networkd.conf.d/x.conf', 'ManageForeignRoutingPolicyRules=no');
    expect(told(running, setBoot('proxy', { files: [...files, shield], enabled: started, systemd: 252 }))).toEqual([]);
    expect(told(running, setBoot('proxy', { files, enabled: started, systemd: 247 }))).toEqual([]);
  });

  test('keeps those of its own files', () => {
    const rules = bootFile(
      'networkd',
      '/etc/systemd/network/eth1.network.d/tp.conf',
      '[RoutingPolicyRule]\nFamily=both\nFirewallMark=1\nTable=100\n[Route]\nDestination=0.0.0.0/0\nType=local\nTable=100',
    );
    expect(
      told(setManagers('proxy', 'systemd-networkd'), setBoot('proxy', { files: [...files, rules], enabled: started, systemd: 252 })),
    ).toEqual([]);
  });
});

test("an upstream's gateway is judged where its addresses are in files", () => {
  const stanza = 'auto eth0\niface eth0 inet static\n  address 172.16.0.11/28';
  const interfaces = (text: string) =>
    setBoot('dev1', { files: [bootFile('interfaces', '/etc/network/interfaces', text)], enabled: ['networking'] });
  expect(told(interfaces(stanza))).toEqual([
    'dev1: the route to 0.0.0.0/0 via 172.16.0.1 in table main',
    'dev1: the route to ::/0 via fd00:16::1 in table main',
  ]);
  expect(told(interfaces(`${stanza}\n  gateway 172.16.0.1\n  post-up ip -6 route add default via fd00:16::1 dev $IFACE`))).toEqual([]);
  expect(told(setBoot('dev1', { files: [] }))).toEqual([]);
});

test('a path that is broken now is no risk for tomorrow', () => {
  const broken = changeFact('proxy', 'policyRules', (rules) => rules.filter(({ mark }) => mark === undefined));
  expect(told(setBoot('proxy'), broken, withoutDsr)).toEqual([]);
});

describe('beside a fault', () => {
  const withoutRules = changeFact('proxy', 'policyRules', (rules) => rules.filter(({ mark }) => mark === undefined));

  test('the pieces that its cure brings are not told once more as a risk', () => {
    const files = whole.filter((file) => file !== unit);
    const others = bootFile(
      'unit',
      unit.path,
      unit.lines
        .map(({ text }) => text)
        .filter((text) => !text.includes('rule add'))
        .join('\n'),
    );
    expect(causesOf(examineArticle([setBoot('proxy', { files: [...files, others], enabled }), withoutRules]))).toEqual([
      'proxy/policy-rule-missing proxy',
    ]);
  });

  test('what other services lose is told as well, behind it', () => {
    expect(causesOf(examineArticle([setBoot('proxy'), withoutRules]))).toEqual([
      'proxy/policy-rule-missing proxy',
      'proxy/rules-not-persistent proxy',
    ]);
  });
});

describe('a sysctl that boot files set otherwise than it is', () => {
  test('is named where a path needs the value of now', () => {
    const file = bootFile('sysctl', '/etc/sysctl.d/20-vpn.conf', 'net/ipv4/conf/eth1/src_valid_mark = 1');
    const values = { src_valid_mark: 1, accept_local: 1, rp_filter: 0 };
    const now = Object.entries(values).map(([name, value]) => setSysctl('proxy', `net/ipv4/conf/eth1/${name}`, value));
    expect(told(setBoot('proxy', { files: [...whole, file], enabled }), ...now)).toEqual(['proxy: net.ipv4.conf.eth1.accept_local = 1']);
  });

  test('is nothing where the path is as good with the other', () => {
    const strict = bootFile('sysctl', '/etc/sysctl.d/20-rp.conf', 'net.ipv4.conf.*.rp_filter = 1\n-net.ipv4.conf.all.rp_filter');
    expect(told(setBoot('proxy', { files: [...whole, strict], enabled }), setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 2))).toEqual(
      [],
    );
  });
});
