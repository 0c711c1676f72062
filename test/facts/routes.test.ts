import { describe, expect, test } from 'vitest';
import { parseAddresses } from '../../src/facts/addresses.js';
import { parseLinks, read as readLinks } from '../../src/facts/links.js';
import { parseNeighbours } from '../../src/facts/neighbours.js';
import { parseRoutes } from '../../src/facts/routes.js';
import type { Host } from '../../src/types.js';
import { fixture, releases } from './fixtures.js';

describe.each(releases)('ip of %s', (release) => {
  const routes = [...parseRoutes(fixture(`${release}/route-4.json`), 4), ...parseRoutes(fixture(`${release}/route-6.json`), 6)];
  const to = (prefix: string) => routes.filter((route) => route.to === prefix);

  test('a local route in a table of its own is told from the default routes of the main table', () => {
    expect(to('0.0.0.0/0').map(({ type, table, metric, nextHops }) => ({ type, table, metric, nextHops }))).toEqual([
      { type: 'local', table: '100', metric: 0, nextHops: [{ link: 'lo' }] },
      { type: 'unicast', table: 'main', metric: 0, nextHops: [{ link: 'eth0', via: '192.0.2.254' }] },
      { type: 'unicast', table: 'main', metric: 100, nextHops: [{ link: 'eth1', via: '198.51.100.2' }] },
    ]);
    expect(to('::/0')).toMatchObject([{ type: 'local', table: '100', family: 6 }]);
  });

  test('refusals keep their kind', () => {
    const kinds = ['198.18.0.0/24', '198.18.1.0/24', '198.18.2.0/24', '198.18.3.0/24', '2001:db8:bb::/48'];
    expect(kinds.map((prefix) => to(prefix)[0]?.type)).toEqual(['blackhole', 'unreachable', 'prohibit', 'throw', 'blackhole']);
  });

  test('several next hops, a gateway of the other family, a preferred source', () => {
    expect(to('203.0.113.128/25')[0]?.nextHops).toEqual([
      { link: 'eth0', via: '192.0.2.2', weight: 2 },
      { link: 'eth1', via: '198.51.100.2', weight: 1 },
    ]);
    expect(to('2001:db8:aa::/48').flatMap(({ nextHops }) => nextHops.map(({ via }) => via))).toEqual(['2001:db8::2', '2001:db8::3']);
    expect(to('198.18.4.0/24')[0]?.nextHops).toEqual([{ link: 'eth0', via: 'fe80::1' }]);
    expect(to('198.18.5.1/32')[0]).toMatchObject({ source: '198.51.100.1', metric: 5 });
  });

  test("the host's own addresses are local routes of the local table", () => {
    expect(to('192.0.2.1/32')[0]).toMatchObject({ type: 'local', table: 'local' });
    expect(to('192.0.2.255/32')[0]).toMatchObject({ type: 'broadcast', table: 'local' });
  });

  test('addresses come with their link; the address of a peer is not ours', () => {
    const addresses = parseAddresses(fixture(`${release}/address.json`)).map(
      ({ link, address, prefixLength }) => `${link} ${address}/${prefixLength}`,
    );
    expect(addresses).toEqual(
      expect.arrayContaining(['eth0 192.0.2.1/24', 'eth1 198.51.100.1/28', 'eth1 203.0.113.1/32', 'eth0 2001:db8::1/64']),
    );
    expect(addresses.join()).not.toContain('203.0.113.2/');
  });

  test('links tell their state, kind and bridge', () => {
    const links = parseLinks(fixture(`${release}/link.json`));
    const named = (wanted: string) => links.find(({ name }) => name === wanted);
    expect(named('eth0')).toMatchObject({ up: true, mac: '02:00:00:00:00:10', kind: 'veth', mtu: 1500 });
    expect(named('eth2')).toMatchObject({ master: 'br0' });
    expect(named('eth3')).toMatchObject({ up: false, state: 'DOWN' });
    expect(named('br0')).toMatchObject({ kind: 'bridge' });
  });

  test('neighbours tell whether they answered', () => {
    const neighbours = parseNeighbours(fixture(`${release}/neighbour.json`));
    expect(neighbours.find(({ address }) => address === '192.0.2.9')).toEqual({
      address: '192.0.2.9',
      link: 'eth0',
      mac: '02:00:00:00:00:01',
      states: ['PERMANENT'],
    });
    expect(neighbours.find(({ address }) => address === '192.0.2.10')).toEqual({ address: '192.0.2.10', link: 'eth0', states: ['FAILED'] });
  });
});

test('links are known without their kinds where the detailed listing is no JSON', async () => {
  const host: Host = async (query) => ({
    ok: true,
    text: 'run' in query && query.run.includes('-d') ? '[{,}]' : fixture('debian-11/link.json'),
    stderr: '',
  });
  const links = await readLinks(host);
  expect(links.ok && links.value.map(({ name }) => name)).toContain('eth0');
});
