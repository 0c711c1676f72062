import { describe, expect, test } from 'vitest';
import { rewriteOnEgress, rewriteOnIngress } from '../../src/path/traffic-control.js';
import type { Packet, Qdisc, TcFilter, TrafficControl } from '../../src/types.js';

const reply: Packet = {
  family: 4,
  protocol: 17,
  source: '172.16.0.11',
  destination: '192.168.99.50',
  sourcePort: 53,
  destinationPort: 4000,
  mark: 0,
};
const htb: Qdisc = { link: 'eth0', kind: 'htb', handle: '10:' };
const clsact: Qdisc = { link: 'eth0', kind: 'clsact', handle: 'ffff:', parent: 'ffff:fff1' };

function nat(change: Partial<TcFilter> = {}, old = '172.16.0.11/32', next = '192.168.99.10'): TcFilter {
  return {
    link: 'eth0',
    parent: '10:',
    protocol: 'ip',
    priority: 10,
    kind: 'u32',
    match: { source: '172.16.0.11/32', sourcePort: { value: 53, mask: 0xffff } },
    actions: [{ kind: 'nat', direction: 'egress', old, new: next }],
    text: 'filter',
    ...change,
  };
}
const tc = (filters: TcFilter[], qdiscs: Qdisc[] = [htb]): TrafficControl => ({ qdiscs, filters });
const source = (control: TrafficControl, packet = reply) => {
  const result = rewriteOnEgress(control, 'eth0', packet);
  if (result === 'none') return 'none';
  return 'unknown' in result ? 'unknown' : 'dropped' in result ? 'dropped' : result.packet.source;
};

test('the article’s filter rewrites the source of a reply', () => {
  expect(source(tc([nat()]))).toBe('192.168.99.10');
});

describe('nothing is rewritten', () => {
  test.each([
    ['on another link', tc([nat({ link: 'eth1' })])],
    ['from another upstream', tc([nat({ match: { source: '172.16.0.12/32' } }, '172.16.0.12/32')])],
    ['from another port', tc([nat({ match: { sourcePort: { value: 5353, mask: 0xffff } } })])],
    ['for another protocol', tc([nat({ match: { ipProtocol: 6 } })])],
    ['by a filter for IPv6', tc([nat({ protocol: 'ipv6' })])],
    ['without the qdisc that the filter names', tc([nat()], [])],
    ['by a filter that hangs on another handle', tc([nat({ parent: '20:' })])],
    ['by an egress filter without clsact', tc([nat({ parent: 'egress' })])],
    ['where the action is for another address than the match', tc([nat({}, '172.16.0.12/32')])],
    ['where an earlier filter takes the packet', tc([nat(), nat({ priority: 5, actions: [] })])],
  ])('%s', (_, control) => {
    expect(source(control)).toBe('none');
  });

  test('in a later fragment, which carries no port', () => {
    const { sourcePort: _, destinationPort: __, ...fragment } = reply;
    expect(source(tc([nat()]), fragment)).toBe('none');
    expect(source(tc([nat({ match: { source: '172.16.0.11/32' } })]), fragment)).toBe('192.168.99.10');
  });
});

test('a prefix keeps the host bits, though iproute2 prints it as /32', () => {
  const packet = { ...reply, source: '10.0.0.22' };
  const filter = (old: string) => nat({ match: { source: '10.0.0.16/28' } }, old, '192.0.2.1');
  expect(source(tc([filter('10.0.0.16/28')]), packet)).toBe('192.0.2.6');
  expect(source(tc([filter('10.0.0.16/32')]), packet)).toBe('192.0.2.6');
});

test('on clsact, and on the way in the destination', () => {
  expect(source(tc([nat({ parent: 'egress' })], [clsact]))).toBe('192.168.99.10');
  const ingress = nat({
    parent: 'ingress',
    match: {},
    actions: [{ kind: 'nat', direction: 'ingress', old: '192.168.99.50/32', new: '10.0.0.1' }],
  });
  expect(rewriteOnIngress(tc([ingress], [clsact]), 'eth0', reply)).toEqual({ packet: { ...reply, destination: '10.0.0.1' }, by: ingress });
  expect(rewriteOnIngress(tc([ingress], [htb]), 'eth0', reply)).toBe('none');
});

test('an unread match matters only where a rewrite depends on it', () => {
  const { match: _, ...unread } = nat({ priority: 5, actions: [] });
  const { match: __, ...unreadNat } = nat({ priority: 5 });
  expect(source(tc([unread]))).toBe('none');
  expect(source(tc([unread, nat()]))).toBe('unknown');
  expect(source(tc([unreadNat]))).toBe('unknown');
  expect(source(tc([nat(), { ...unreadNat, priority: 20 }]))).toBe('192.168.99.10');
});

describe('other actions of the filter that takes the packet', () => {
  const other = (name: string, match: TcFilter['match'] = {}) => tc([nat({ match, actions: [{ kind: 'other', name }] })]);

  test('gact drops, or lets it pass', () => {
    expect(['gact drop', 'gact pass'].map((name) => source(other(name)))).toEqual(['dropped', 'none']);
    expect(source(other('gact drop', { source: '172.16.0.12/32' }))).toBe('none');
  });

  test('continue goes on to the next filter, any other verdict does not', () => {
    const before = (name: string) => nat({ priority: 5, match: {}, actions: [{ kind: 'other', name }] });
    expect(['gact continue', 'gact pass'].map((name) => source(tc([before(name), nat()])))).toEqual(['192.168.99.10', 'none']);
  });

  test('a copy, a policer or another queue change nothing; another link or header is more than is followed', () => {
    expect(['mirred mirror', 'police', 'skbedit', 'csum'].map((name) => source(other(name)))).toEqual(['none', 'none', 'none', 'none']);
    expect(['mirred redirect', 'pedit', 'skbedit mark', 'unheard-of'].map((name) => source(other(name)))).toEqual(Array(4).fill('unknown'));
  });

  test('a filter that cannot be read matters only where its action does', () => {
    const unread = (name: string) => {
      const { match: _, ...filter } = nat({ actions: [{ kind: 'other', name }] });
      return source(tc([filter]));
    };
    expect([unread('gact drop'), unread('police')]).toEqual(['unknown', 'none']);
  });
});

describe('what an action makes of the packet', () => {
  const by = (...actions: TcFilter['actions']) => rewriteOnEgress(tc([nat({ match: {}, actions })]), 'eth0', reply);
  const toVip = { kind: 'edit', verdict: 'pipe', edits: [{ field: 'source', keep: 0, flip: 0xc0a8630a }] } as const;
  const csum = (sums: string) => ({ kind: 'other', name: `csum ${sums}`, verdict: 'pass' }) as const;

  test('pedit edits an address where csum mends its checksums', () => {
    expect(by(toVip, csum('iph, udp'))).toMatchObject({ packet: { ...reply, source: '192.168.99.10' } });
    expect(by(toVip, csum('udp'))).toMatchObject({ dropped: {}, why: expect.stringContaining('checksum') });
    expect(by(toVip, csum('iph'))).toHaveProperty('unknown');
    expect(by({ ...toVip, verdict: 'pass' }, csum('iph, udp'))).toHaveProperty('dropped');
  });

  test('pedit turns some bits and keeps the others', () => {
    const edit = { kind: 'edit', verdict: 'pipe', edits: [{ field: 'source', keep: 0xff, flip: 0xc0a86300 }] } as const;
    expect(by(edit, csum('iph, udp'))).toMatchObject({ packet: { source: '192.168.99.11' } });
    const port = { kind: 'edit', verdict: 'pipe', edits: [{ field: 'sourcePort', keep: 0, flip: 5353 }] } as const;
    expect(by(port, csum('udp'))).toMatchObject({ packet: { sourcePort: 5353 } });
  });

  test('an edit of the time to live is no edit of the path', () => {
    expect(by({ kind: 'edit', verdict: 'pass', edits: [] })).toBe('none');
  });

  test('skbedit sets the bits of its mask', () => {
    const marked = rewriteOnEgress(tc([nat({ match: {}, actions: [{ kind: 'mark', value: 1, mask: 3 }] })]), 'eth0', { ...reply, mark: 6 });
    expect(marked).toMatchObject({ packet: { mark: 5 } });
  });

  test('what one filter changed stays when its verdict is to go on', () => {
    const marks = nat({ priority: 5, match: {}, actions: [{ kind: 'mark', value: 1, mask: 1, verdict: 'continue' }] });
    expect(rewriteOnEgress(tc([marks, nat()]), 'eth0', reply)).toMatchObject({ packet: { source: '192.168.99.10', mark: 1 } });
    expect(
      rewriteOnEgress(tc([{ ...marks, actions: [{ kind: 'mark', value: 1, mask: 1, verdict: 'pass' }] }, nat()]), 'eth0', reply),
    ).toMatchObject({
      packet: { source: '172.16.0.11', mark: 1 },
    });
  });

  test('flower of another family does not match', () => {
    expect(source(tc([nat({ protocol: 'all', match: { family: 6 } })]))).toBe('none');
    expect(source(tc([nat({ protocol: 'all', match: { family: 4 } })]))).toBe('192.168.99.10');
  });
});
