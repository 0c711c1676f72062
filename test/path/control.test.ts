import { describe, expect, test } from 'vitest';
import type { TcAction, TcFilter, TcMatch, Walk } from '../../src/types.js';
import { articleCase, type Change } from '../kit/article.js';
import { changeFact, setIptables } from '../kit/change.js';

/*
 * What tc does to packets on their way. pedit and skbedit cannot be made on every kernel: the walks rest on act_pedit.c and act_skbedit.c alone.
 */

const http = 'http:80/#web';

function filtering(host: string, link: string, parent: 'ingress' | 'egress', match: TcMatch, ...actions: TcAction[]): Change {
  const filter: TcFilter = { link, parent, protocol: 'ip', priority: 1, kind: 'u32', match, actions, text: 'the filter' };
  return changeFact(host, 'trafficControl', ({ qdiscs, filters }) => ({
    qdiscs: [...qdiscs, { link, kind: 'clsact', handle: 'ffff:', parent: 'ffff:fff1' }],
    filters: [...filters, filter],
  }));
}

function firstWalk(id: string, change: Change | readonly Change[]): Walk {
  const walk = articleCase({ change }).walks.find(({ service }) => service.id === id);
  if (!walk) throw new Error(`no walk of ${id}`);
  return walk;
}

describe('a mark that skbedit gives on the way in', () => {
  const replies = { source: '172.16.0.0/28', sourcePort: { value: 80, mask: 0xffff } };
  const marking = filtering('proxy', 'eth1', 'ingress', replies, { kind: 'mark', value: 1, mask: 0xffffffff, verdict: 'pipe' });

  test('is seen by policy rules, so that no rule in mangle is needed', () => {
    const unmarked = setIptables('proxy', 'mangle', []);
    expect(firstWalk(http, unmarked)).toMatchObject({ end: 'broken' });
    const { end, steps } = firstWalk(http, [unmarked, marking]);
    expect(end).toBe('whole');
    expect(steps).toContainEqual(expect.objectContaining({ host: 'proxy', leg: 'reply', place: 'ingress', code: 'marked' }));
  });
});

describe('mirred', () => {
  const all = { destination: '172.16.0.0/24' };
  const to = (link: string, side: 'ingress' | 'egress'): TcAction => ({ kind: 'redirect', to: link, side, verdict: 'stolen' });

  test('takes the packet to a segment where nobody has its link address', () => {
    const { end, steps } = firstWalk(http, filtering('proxy', 'eth1', 'egress', all, to('eth0', 'egress')));
    expect(end).toBe('broken');
    expect(steps.at(-1)).toMatchObject({ host: 'proxy', leg: 'forward', place: 'egress', code: 'firewall-dropped' });
  });

  test('an ifb gives the packet back', () => {
    const ifb = changeFact('proxy', 'links', (links) => [
      ...links,
      { name: 'ifb0', index: 9, up: true, state: 'UNKNOWN', mtu: 1500, kind: 'ifb' },
    ]);
    expect(firstWalk(http, [ifb, filtering('proxy', 'eth1', 'ingress', {}, to('ifb0', 'egress'))])).toMatchObject({ end: 'whole' });
  });

  test('a packet let in by another link is judged as if it had come there', () => {
    const { steps } = firstWalk(http, filtering('proxy', 'eth1', 'ingress', { source: '172.16.0.0/24' }, to('eth0', 'ingress')));
    const moved = steps.findIndex(({ code }) => code === 'redirected');
    expect(steps[moved]).toMatchObject({ host: 'proxy', leg: 'reply', place: 'ingress', in: 'eth0' });
    expect(steps.slice(moved).every((step) => step.host !== 'proxy' || step.in !== 'eth1')).toBe(true);
  });

  test('a link whose frames go nobody knows where leaves it open', () => {
    const tunnel = changeFact('proxy', 'links', (links) => [
      ...links,
      { name: 'wg0', index: 9, up: true, state: 'UNKNOWN', mtu: 1420, kind: 'wireguard' },
    ]);
    expect(firstWalk(http, [tunnel, filtering('proxy', 'eth1', 'egress', all, to('wg0', 'egress'))])).toMatchObject({ end: 'unknown' });
  });
});

describe('an address that a filter changes', () => {
  const edit = (field: 'source' | 'destination', flip: number): TcAction => ({
    kind: 'edit',
    edits: [{ field, keep: 0, flip }],
    verdict: 'pipe',
  });
  const csum: TcAction = { kind: 'other', name: 'csum iph, tcp, udp', verdict: 'pass' };

  test('hides the client from the upstream', () => {
    const { end, steps } = firstWalk(http, filtering('proxy', 'eth1', 'egress', {}, edit('source', 0xac100001), csum));
    expect(end).toBe('broken');
    expect(steps.at(-1)).toMatchObject({ host: 'proxy', leg: 'forward', place: 'egress', code: 'source-masqueraded' });
  });

  test('makes the packet useless where no checksum is mended', () => {
    const { end, steps } = firstWalk(http, filtering('proxy', 'eth1', 'egress', {}, edit('destination', 0xac10000c)));
    expect(end).toBe('broken');
    expect(steps.at(-1)).toMatchObject({ code: 'firewall-dropped', did: expect.stringContaining('checksum') });
  });

  test('before netfilter, nat ingress gives another destination, and the answer to it comes from there', () => {
    const nat: TcAction = { kind: 'nat', direction: 'ingress', old: '172.16.0.11/32', new: '172.16.0.99', verdict: 'pass' };
    const own = changeFact('dev1', 'addresses', (all) => [
      ...all,
      { link: 'eth0', family: 4, address: '172.16.0.99', prefixLength: 24, scope: 'global' },
    ]);
    const local = changeFact('dev1', 'routes', (routes) => [
      ...routes,
      { family: 4, type: 'local', to: '172.16.0.99/32', table: 'local', nextHops: [{ link: 'eth0' }], metric: 0 },
    ]);
    const { steps } = firstWalk(http, [own, local, filtering('dev1', 'eth0', 'ingress', {}, nat)]);
    expect(steps).toContainEqual(expect.objectContaining({ host: 'dev1', code: 'redirected' }));
    expect(steps.filter(({ host, leg }) => host === 'dev1' && leg === 'reply').map(({ packet }) => packet.source)).toContain('172.16.0.99');
  });
});
