import { describe, expect, it } from 'vitest';
import { plansFor } from '../../src/capture/points.js';
import type { Case, Link, Snapshot } from '../../src/types.js';
import { articleCase, client, vip } from '../kit/article.js';
import { changeFact, editConfig, loseFact } from '../kit/change.js';

const wanted = (c: Case) => ({
  walks: c.walks,
  flows: { ports: [{ protocol: 'udp' as const, port: 53 }], addresses: [client, vip] },
  snapLength: 256,
});

function plans(c: Case, host: string) {
  return plansFor(snapshotOf(c, host), { kind: 'local' }, wanted(c)).map(({ iface, mac, direction }) => ({
    iface,
    ...(mac === undefined ? {} : { mac }),
    ...(direction === undefined ? {} : { direction }),
  }));
}

function snapshotOf(c: Case, host: string): Snapshot {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) throw new Error(`no host ${host}`);
  return snapshot;
}

const changeLinks = (change: (all: readonly Link[]) => readonly Link[]) => articleCase({ change: changeFact('proxy', 'links', change) });
const change = (name: string, to: Partial<Link>) =>
  changeLinks((all) => all.map((link) => (link.name === name ? { ...link, ...to } : link)));
const add = (...more: Partial<Link>[]) =>
  changeLinks((all) => [
    ...all,
    ...more.map((link) => ({ name: 'more', index: 9, up: true, state: 'UP', mtu: 1500, mac: '02:00:00:00:00:99', ...link })),
  ]);

describe('the captures for a host', () => {
  it('are on every link that a predicted way uses, and not on the loopback where none does', () => {
    expect(plans(articleCase(), 'proxy').map(({ iface }) => iface)).toEqual(['eth0', 'eth1']);
    expect(plans(articleCase(), 'dev1').map(({ iface }) => iface)).toEqual(['eth0']);
    expect(plans(articleCase(), 'client').map(({ iface }) => iface)).toEqual(['eth0']);
  });

  it("are on the loopback where an upstream is nginx's own host", () => {
    const c = articleCase({ change: editConfig('server 172.16.0.11:80;', 'server 172.16.0.1:80;') });
    expect(plans(c, 'proxy')).toContainEqual({ iface: 'lo', direction: 'in' });
  });

  it('are on no link that is down', () => {
    expect(plans(change('eth1', { up: false }), 'proxy').map(({ iface }) => iface)).toEqual(['eth0']);
  });

  it('are none where the links are not known', () => {
    expect(plans(articleCase({ change: loseFact('proxy', 'links') }), 'proxy')).toEqual([]);
  });

  it('tell direction by the Ethernet address, where frames that go out bear it', () => {
    const [first] = plans(articleCase(), 'client');
    expect(first).toEqual({ iface: 'eth0', mac: expect.stringMatching(/^02:00:/) });
  });

  it.each([
    ['a device without Ethernet', change('eth0', { kind: 'wireguard', mac: 'none' })],
    ['a tunnel whose address is that of IPv4', change('eth0', { kind: 'sit', mac: '10.0.0.1' })],
    ['a port of a bridge, which sends frames of others', change('eth0', { master: 'br0' })],
    ['the link below a macvlan', add({ name: 'vrrp.51', kind: 'macvlan' })],
  ])('are two, one for each direction, on %s', (_, c) => {
    expect(plans(c, 'proxy').slice(0, 2)).toEqual([
      { iface: 'eth0', direction: 'in' },
      { iface: 'eth0', direction: 'out' },
    ]);
  });

  it('ask for tagged frames only where there can be tags, as the filter would not compile', () => {
    const filters = (c: Case) => plansFor(snapshotOf(c, 'proxy'), { kind: 'local' }, wanted(c)).map(({ filter }) => /vlan/.test(filter));
    expect(filters(articleCase())).toEqual([true, true]);
    expect(filters(change('eth0', { kind: 'wireguard', mac: 'none' }))).toEqual([false, false, true]);
  });
});
