import { describe, expect, it } from 'vitest';
import { arrivalAt, connectedPrefixes, facingLink, factOf, ownersOf, owns, route, routingState, whyMissing } from '../../src/path/world.js';
import { addressOf, articleSnapshots, client, vip } from '../kit/article.js';
import { addHost, addRoute, changeFact, loseFact } from '../kit/change.js';
import { makeHost } from '../kit/host.js';

describe('a fact', () => {
  it('that is missing says why', () => {
    const dev1 = articleSnapshots(loseFact('dev1', 'routes', 'permission denied')).get('dev1');
    expect(factOf(dev1, 'routes')).toBeUndefined();
    expect(whyMissing(dev1, 'routes')).toBe('permission denied');
    expect(whyMissing(undefined, 'routes')).toContain('routes');
    expect(routingState(dev1)).toBeUndefined();
    expect(route(dev1, { to: client }).answer).toBeUndefined();
  });
});

describe('a route', () => {
  it('is what the kernel said, where it was asked that very question', () => {
    const recorded = { question: { to: client, mark: 7 }, answer: { type: 'unicast', link: 'said' } } as const;
    const dev1 = articleSnapshots(changeFact('dev1', 'kernelRoutes', () => [recorded])).get('dev1');
    expect(route(dev1, { to: client, mark: 7 })).toMatchObject({ from: 'kernel', answer: { link: 'said' } });
    expect(route(dev1, { to: client })).toMatchObject({ from: 'model', answer: { link: 'eth0', via: '172.16.0.1' } });
  });

  it('that the kernel refuses is named by the tables: a blackhole has the errno of a refused source', () => {
    const said = { question: { to: client }, answer: { type: 'error', error: 'invalid-source', text: 'Invalid argument' } } as const;
    const kernelSays = changeFact('dev1', 'kernelRoutes', () => [said]);
    const refused = articleSnapshots([addRoute('dev1', { to: `${client}/32`, type: 'blackhole', nextHops: [] }), kernelSays]).get('dev1');
    expect(route(refused, { to: client })).toMatchObject({ from: 'kernel', answer: { error: 'refused' } });
    expect(route(articleSnapshots(kernelSays).get('dev1'), { to: client })).toMatchObject({
      from: 'kernel',
      answer: { error: 'invalid-source' },
    });
  });
});

describe('where a frame arrives', () => {
  it('is the host with the address of the next hop, on the link that faces the sender', () => {
    expect(arrivalAt(articleSnapshots(), 'dev1', 'eth0', '172.16.0.1')).toEqual({ host: 'proxy', link: 'eth1' });
    expect(arrivalAt(articleSnapshots(), 'dev1', 'eth0', vip)).toEqual({ host: 'proxy', link: 'eth1' });
    expect(arrivalAt(articleSnapshots(), 'dev1', 'eth0', '172.16.0.99')).toBeUndefined();
  });

  it('is told by the MAC when several hosts have the address', () => {
    const standby = makeHost({ name: 'standby', links: { eth7: ['172.16.0.1/28'] } });
    const mac = factOf(standby, 'links')?.find(({ name }) => name === 'eth7')?.mac ?? '';
    const neighbour = (states: string[]) =>
      changeFact('dev1', 'neighbours', () => [{ address: '172.16.0.1', link: 'eth0', mac: mac.toUpperCase(), states }]);
    const at = (states: string[]) => arrivalAt(articleSnapshots([addHost(standby), neighbour(states)]), 'dev1', 'eth0', '172.16.0.1');
    expect(at(['REACHABLE'])).toEqual({ host: 'standby', link: 'eth7' });
    expect(at(['FAILED'])).toEqual({ host: 'proxy', link: 'eth1' });
  });
});

describe('addresses', () => {
  it('have owners, however they are written', () => {
    const snapshots = articleSnapshots();
    expect(ownersOf(snapshots, addressOf('dev2'))).toEqual(['dev2']);
    expect(owns(snapshots.get('proxy'), 'FD00:0099:0::10')).toBe(true);
    expect(ownersOf(snapshots, '192.0.2.1')).toEqual([]);
  });

  it('tell the link that faces another host', () => {
    expect(facingLink(articleSnapshots(), 'client', 'eth0', 'proxy')).toBe('eth0');
    expect(facingLink(articleSnapshots(), 'dev1', 'eth0', 'proxy')).toBe('eth1');
    expect(facingLink(articleSnapshots(), 'dev1', 'eth0', 'client')).toBeUndefined();
    expect(connectedPrefixes(articleSnapshots().get('dev1'), 4)).toEqual([{ prefix: '172.16.0.11/28', link: 'eth0' }]);
  });
});
