import { describe, expect, test } from 'vitest';
import rule from '../../../rules/proxy/rules-not-persistent.js';
import type { Conclusion, Snapshot } from '../../../src/types.js';
import { articleCase, type Change } from '../../kit/article.js';
import { bootFile, enabled, setBoot, setManagers, sysctls, unit, v6, whole } from '../../kit/boot.js';
import { changeFact, setIptables } from '../../kit/change.js';
import { applying, commands, withoutDsr } from '../../kit/rules.js';

const conclude = (...change: readonly Change[]): Conclusion[] => [...rule.run(articleCase({ change }))];
const told = (...change: readonly Change[]) =>
  conclude(...change).flatMap(({ host, evidence }) => evidence.map(({ what }) => `${host}: ${what}`));

describe('the cure', () => {
  const cured = (...change: readonly Change[]) => {
    const [only] = conclude(...change);
    const [cure] = only?.cures ?? [];
    if (!cure) throw new Error('no cure');
    // A copy that a cure changed is not judged: give it the look of one that was read.
    const read: Change = (hosts) => {
      const snapshot = hosts.get('proxy') as Snapshot;
      hosts.set('proxy', { ...snapshot, facts: { ...snapshot.facts, kernelRoutes: { ok: true, value: [] } } });
    };
    return {
      steps: commands(cure.steps),
      undo: cure.steps.flatMap((step) => ('undo' in step ? step.undo : [])),
      left: told(...change, applying(cure), read),
    };
  };

  test('is files that this very rule finds again', () => {
    const { steps, undo, left } = cured(setBoot('proxy', { enabled: ['systemd-networkd'] }));
    expect(left).toEqual([]);
    expect(undo).toHaveLength(steps.length);
    expect(steps.join('\n')).toContain('/etc/systemd/system/transparent-proxy.service');
  });

  test('goes into a drop-in of the .network file where networkd is at work', () => {
    const network = bootFile(
      'networkd',
      '/run/systemd/network/10-netplan-eth1.network',
      '[Match]\nName=eth1\n[Network]\nAddress=172.16.0.1/28',
    );
    const { steps, left } = cured(
      setManagers('proxy', 'systemd-networkd'),
      setBoot('proxy', { files: [network], enabled: ['systemd-networkd'], systemd: 252 }),
    );
    expect(left).toEqual([]);
    expect(steps.join('\n')).toContain('/etc/systemd/network/10-netplan-eth1.network.d/transparent-proxy.conf');
  });

  test('only stops networkd where a script brings the rules back', () => {
    const network = bootFile('networkd', '/etc/systemd/network/eth1.network', '[Match]\nName=eth1\n[Network]\nAddress=172.16.0.1/28');
    const { steps, left } = cured(
      setManagers('proxy', 'systemd-networkd'),
      setBoot('proxy', { files: [...whole, network], enabled: [...enabled, 'systemd-networkd'], systemd: 252 }),
    );
    expect(left).toEqual([]);
    expect(steps).toHaveLength(1);
    expect(steps[0]).toContain('/etc/systemd/networkd.conf.d/');
  });

  test('leaves files of earlier alone and goes behind what says otherwise', () => {
    const mine = [
      bootFile('sysctl', '/etc/sysctl.d/99-transparent-proxy.conf', 'net.ipv4.ip_forward = 0'),
      bootFile('unit', '/etc/systemd/system/transparent-proxy.service', 'ExecStart=/bin/true'),
    ];
    const { steps, left } = cured(setBoot('proxy', { files: mine, enabled: ['ssh'] }));
    expect(left).toEqual([]);
    expect(steps.join('\n')).not.toMatch(/> \/etc\/(?:sysctl\.d\/99-transparent-proxy\.conf|systemd\/system\/transparent-proxy\.service)/);
  });

  test('has nft write its own tables, and touches none of which a file has a part', () => {
    const table = { source: 'nft' as const, family: 'ip' as const, name: 'tp', sets: {} };
    const toNft = [
      setIptables('proxy', 'mangle', []),
      changeFact('proxy', 'nft', () => [
        {
          ...table,
          chains: [
            {
              name: 'pre',
              base: { hook: 'prerouting' as const, priority: -150, type: 'filter' as const },
              rules: [
                {
                  text: 'tcp sport 80 meta mark set 0x1',
                  steps: [
                    { match: 'port' as const, side: 'source' as const, not: false, among: [[80, 80] as const], ipProtocols: [6] },
                    { do: 'mark' as const, value: 1, mask: 0xffffffff },
                  ],
                },
              ],
            },
          ],
        },
      ]),
    ];
    const { steps, left } = cured(...toNft, setBoot('proxy', { files: [v6, sysctls, unit], enabled }));
    expect(left).toEqual([]);
    expect(steps[0]).toContain('nft list table ip tp');
    const partly = bootFile('nft', '/etc/nftables.conf', 'table ip tp {\n}');
    const [only] = conclude(...toNft, setBoot('proxy', { files: [v6, sysctls, unit, partly], enabled }));
    expect(only?.cures).toEqual([]);
  });

  test("is firewalld's own permanent rules where firewalld runs", () => {
    const { steps, left } = cured(setManagers('proxy', 'firewalld'), setBoot('proxy', { enabled: ['firewalld'] }), withoutDsr);
    expect(left).toEqual([]);
    expect(steps.filter((step) => step.startsWith('firewall-cmd --permanent --direct --add-rule'))).toHaveLength(3);
  });
});
