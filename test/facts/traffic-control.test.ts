import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFilters, parseFilterText } from '../../src/facts/netfilter/tc-filter.js';
import { decodeU32 } from '../../src/facts/netfilter/u32.js';
import { parseQdiscs, read } from '../../src/facts/traffic-control.js';
import type { Host } from '../../src/types.js';
import { fixture } from './firewall-fixtures.js';

const expected = [
  { priority: 10, match: { source: '172.16.0.11/32', sourcePort: { value: 53, mask: 0xffff } } },
  { priority: 12, match: undefined },
  { priority: 13, match: { source: '2001:db8::/32', sourcePort: { value: 53, mask: 0xffff } } },
  { priority: 14, match: {} },
  { priority: 15, match: undefined },
];

describe('u32 filters of a real htb: two keys, one on the type of service, IPv6, everything, and a key behind an unset header offset', () => {
  test.each(['debian12', 'debian13'])('%s, JSON in which every key is named "match"', (release) => {
    const filters = parseFilters(fixture(`${release}.tc-filter-eth0-root.json`), { link: 'eth0' });
    expect(filters.map(({ priority, match }) => ({ priority, match }))).toEqual(expected);
    expect(filters.every(({ link, parent, kind }) => link === 'eth0' && parent === '10:' && kind === 'u32')).toBe(true);
  });

  test.each(['debian11', 'debian12'])('%s, text', (release) => {
    const filters = parseFilterText(fixture(`${release}.tc-filter-eth0-root.txt`), { link: 'eth0' });
    expect(filters.map(({ priority, match }) => ({ priority, match }))).toEqual(expected);
  });
});

test('a nat action with its counter, and a text in which a person finds the filter', () => {
  const [filter] = parseFilters(fixture('lab.tc-filter-nat.json'), { link: 'eth0' });
  expect(filter).toEqual({
    link: 'eth0',
    parent: '10:',
    protocol: 'ip',
    priority: 10,
    kind: 'u32',
    handle: '800::800',
    match: { source: '172.16.0.11/32', sourcePort: { value: 53, mask: 0xffff } },
    actions: [{ kind: 'nat', direction: 'egress', old: '172.16.0.11/32', new: '192.168.99.10', packets: 1, verdict: 'pass' }],
    packets: 1,
    text: 'filter dev eth0 parent 10: protocol ip pref 10 u32 match ip src 172.16.0.11/32 match ip sport 53 0xffff action nat egress 172.16.0.11/32 192.168.99.10',
  });
});

test('the same nat action as older iproute2 prints it', () => {
  const text = [
    'filter parent 10: protocol ip pref 10 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0 terminal flowid ??? not_in_hw ',
    '  match ac10000b/ffffffff at 12',
    '\taction order 1:  nat egress 172.16.0.11/32 192.168.99.10 pass',
    '\t index 1 ref 1 bind 1 installed 4 sec used 1 sec',
    ' \tAction statistics:',
    '\tSent 90 bytes 1 pkt (dropped 0, overlimits 0 requeues 0) ',
  ].join('\n');
  expect(parseFilterText(text, { link: 'eth0' })).toMatchObject([
    { match: { source: '172.16.0.11/32' }, actions: [{ kind: 'nat', old: '172.16.0.11/32', new: '192.168.99.10', packets: 1 }] },
  ]);
});

test('qdiscs with their parents', () => {
  expect(parseQdiscs(fixture('debian12.tc-qdisc.json'))).toEqual([
    { link: 'eth1', kind: 'noqueue', handle: '0:' },
    { link: 'eth1', kind: 'clsact', handle: 'ffff:', parent: 'ffff:fff1' },
    { link: 'eth0', kind: 'htb', handle: '10:' },
  ]);
});

function hostOf(release: string): { host: Host; ran: string[] } {
  const ran: string[] = [];
  const answers = new Map([
    ['tc -s -j qdisc show', `${release}.tc-qdisc.json`],
    ['tc -s -j filter show dev eth0', `${release}.tc-filter-eth0-root.json`],
    ['tc -s filter show dev eth0', `${release}.tc-filter-eth0-root.txt`],
    ['tc -s -j filter show dev eth1 ingress', 'debian12.tc-filter-eth1-ingress.json'],
    ['tc -s -j filter show dev eth1 egress', 'debian12.tc-filter-eth1-egress.json'],
  ]);
  const host: Host = async (query) => {
    const command = 'run' in query ? query.run.join(' ') : '';
    ran.push(command);
    const name = answers.get(command);
    return name === undefined ? { ok: false, why: 'tc: not found' } : { ok: true, text: fixture(name), stderr: '' };
  };
  return { host, ran };
}

test('filters are asked for only where a qdisc can have some', async () => {
  const { host, ran } = hostOf('debian12');
  const fact = await read(host);
  expect(ran.sort()).toEqual([
    'tc -s -j filter show dev eth0',
    'tc -s -j filter show dev eth1 egress',
    'tc -s -j filter show dev eth1 ingress',
    'tc -s -j qdisc show',
  ]);
  expect(fact.ok && fact.value.filters.filter(({ link }) => link === 'eth0')).toHaveLength(5);
});

test('where iproute2 breaks its own JSON the text is read instead', async () => {
  const fact = await read(hostOf('debian11').host);
  expect(fact.ok && fact.value.filters.filter(({ link }) => link === 'eth0').map(({ match }) => match)).toEqual(
    expected.map(({ match }) => match),
  );
});

test('u32 filters that tc lists under both sides of clsact keep no match: nobody can tell their side', async () => {
  const fact = await read(hostOf('debian12').host);
  const filters = fact.ok ? fact.value.filters.filter(({ link }) => link === 'eth1') : [];
  expect(filters.map(({ parent, match }) => [parent, match])).toEqual([
    ['ingress', undefined],
    ['ingress', undefined],
    ['egress', undefined],
    ['egress', undefined],
  ]);
});

test('a host without tc has an unknown fact', async () => {
  expect((await read(async () => ({ ok: false, why: 'tc: not found' }))).ok).toBe(false);
});

test('flower keys are read, and one that is not known makes the match unknown', () => {
  const flower = (keys: object) =>
    parseFilters(JSON.stringify([{ parent: '10:', protocol: 'ip', pref: 1, kind: 'flower', options: { keys } }]), { link: 'x' })[0]?.match;
  expect(flower({ eth_type: 'ipv4', ip_proto: 'udp', src_ip: '10.0.0.0/28', src_port: 53 })).toEqual({
    family: 4,
    ipProtocol: 17,
    source: '10.0.0.0/28',
    sourcePort: { value: 53, mask: 0xffff },
  });
  expect(flower({ src_ip: '10.0.0.1', tcp_flags: '0x2' })).toBeUndefined();
});

test('an IPv4 u32 key for any prefix decodes to that prefix', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 1, max: 32 }),
      fc.constantFrom(12, 16),
      (address, length, off) => {
        const mask = (0xffffffff << (32 - length)) >>> 0;
        const value = (address & mask) >>> 0;
        const text = [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
        const key = { value: value.toString(16), mask: mask.toString(16), offmask: '', off };
        expect(decodeU32([key], 4)).toEqual({ [off === 12 ? 'source' : 'destination']: `${text}/${length}` });
      },
    ),
  );
});

test('keys that contradict each other, have holes or look elsewhere are not read', () => {
  const key = (value: string, mask: string, off: number) => ({ value, mask, offmask: '', off });
  expect(decodeU32([key('a000001', 'ffffffff', 12), key('a000002', 'ffffffff', 12)], 4)).toBeUndefined();
  expect(decodeU32([key('a000001', 'ff00ff00', 12)], 4)).toBeUndefined();
  expect(decodeU32([key('1', 'ff', 36)], 4)).toBeUndefined();
  expect(decodeU32([key('110000', 'ff0000', 8)], 4)).toEqual({ ipProtocol: 17 });
});

test('no text makes the text parser fail', () => {
  const word = fc.constantFrom(
    'filter ',
    'parent 10: ',
    'protocol ip ',
    'pref 10 ',
    'u32 ',
    'fh 800::800',
    '\n',
    '  match ',
    'ac10000b/ffffffff ',
    'at 12',
    '\taction order 1: ',
    'nat egress ',
    'Sent 1 bytes 1 pkt',
    '{',
    '"',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), (words) => {
      const filters = parseFilterText(words.join(''), { link: 'x' });
      expect(filters.every(({ link }) => link === 'x')).toBe(true);
    }),
  );
});

// In the words of iproute2's m_gact.c and m_skbedit.c, which not every kernel can make; mirred's are as the real one prints them.
test('what an action does with the packet is part of its name', () => {
  const filter = (action: object) =>
    JSON.stringify([{ protocol: 'ip', pref: 1, kind: 'matchall', chain: 0, options: { actions: [action] } }]);
  const name = (action: object) => parseFilters(filter(action), { link: 'eth0', hook: 'egress' })[0]?.actions;
  expect(name({ order: 1, kind: 'gact', control_action: { type: 'drop' } })).toEqual([{ kind: 'other', name: 'gact drop' }]);
  expect(name({ order: 1, kind: 'mirred', mirred_action: 'redirect', direction: 'egress', to_dev: 'eth1' })).toEqual([
    { kind: 'redirect', to: 'eth1', side: 'egress' },
  ]);
  expect(name({ order: 1, kind: 'skbedit', priority: ':' })).toEqual([{ kind: 'other', name: 'skbedit' }]);
});

/*
 * pedit, skbedit and csum cannot be made on every kernel, so what follows is in the words of iproute2's m_pedit.c, m_skbedit.c, m_csum.c and f_flower.c;
 * mirred's run for real in test/lab/random.
 */
describe('actions in JSON and as text', () => {
  const asJson = (...actions: object[]) =>
    parseFilters(JSON.stringify([{ protocol: 'ip', pref: 1, kind: 'matchall', chain: 0, options: { handle: 1, actions } }]), {
      link: 'eth0',
    })[0]?.actions;
  const asText = (...lines: string[]) =>
    parseFilterText(['filter parent ffff: protocol ip pref 1 matchall chain 0 handle 0x1 ', '  not_in_hw', ...lines].join('\n'), {
      link: 'eth0',
    })[0]?.actions;
  const key = (htype: string, offset: number, val: string, mask: string, cmd = 'set') => ({ htype, offset, cmd, val, mask });
  const pedit = (...keys: object[]) => ({ order: 1, kind: 'pedit', control_action: { type: 'pipe' }, nkeys: keys.length, keys });

  test('pedit of an address and of a port', () => {
    const expected = [
      {
        kind: 'edit',
        verdict: 'pipe',
        edits: [
          { field: 'destination', keep: 0, flip: 0x01020304 },
          { field: 'destinationPort', keep: 0, flip: 8080 },
        ],
      },
    ];
    expect(asJson(pedit(key('ipv4', 16, '1020304', '0'), key('tcp', 0, '1f90', 'ffff0000')))).toEqual(expected);
    expect(
      asText(
        '\taction order 1:  pedit action pipe keys 2',
        ' \t index 1 ref 1 bind 1 installed 4 sec used 1 sec',
        '\t key #0  at ipv4+16: val 01020304 mask 00000000',
        '\t key #1  at tcp+0: val 00001f90 mask ffff0000',
      ),
    ).toEqual(expected);
    expect(asText('\taction order 1:  pedit action pipe keys 1', '\t key #0  at 16: val 01020304 mask 00000000')).toEqual([
      { kind: 'edit', verdict: 'pipe', edits: [{ field: 'destination', keep: 0, flip: 0x01020304 }] },
    ]);
  });

  test('pedit of the time to live concerns no path; of the protocol, of the link header and by addition is not read', () => {
    expect(asJson(pedit(key('ipv4', 8, '3f000000', 'ffffff')))).toEqual([{ kind: 'edit', verdict: 'pipe', edits: [] }]);
    const unread = [{ kind: 'other', name: 'pedit', verdict: 'pipe' }];
    expect(asJson(pedit(key('ipv4', 8, '110000', 'ff00ffff')))).toEqual(unread);
    expect(asJson(pedit(key('eth', 0, '1', '0')))).toEqual(unread);
    expect(asJson(pedit(key('ipv4', 16, '1', '0', 'add')))).toEqual(unread);
  });

  test('skbedit sets a mark, or some bits of it', () => {
    expect(asJson({ kind: 'skbedit', mark: 5, mask: '0xf', control_action: { type: 'pipe' } })).toEqual([
      { kind: 'mark', value: 5, mask: 15, verdict: 'pipe' },
    ]);
    expect(asText('\taction order 1: skbedit  mark 5/0xf pipe')).toEqual([{ kind: 'mark', value: 5, mask: 15, verdict: 'pipe' }]);
    expect(asText('\taction order 1: skbedit  mark 7 pipe')).toEqual([{ kind: 'mark', value: 7, mask: 0xffffffff, verdict: 'pipe' }]);
    expect(asText('\taction order 1: skbedit  ptype host pipe')).toEqual([{ kind: 'other', name: 'skbedit mark', verdict: 'pipe' }]);
  });

  test('mirred sends a copy, or the packet itself', () => {
    expect(asText('\taction order 1: mirred (Egress Redirect to device ve1) stolen')).toEqual([
      { kind: 'redirect', to: 've1', side: 'egress', verdict: 'stolen' },
    ]);
    expect(asText('\taction order 1: mirred (Ingress Mirror to device ve1) pipe')).toEqual([
      { kind: 'other', name: 'mirred mirror', verdict: 'pipe' },
    ]);
  });

  test('csum tells which checksums it mends, gact its verdict', () => {
    expect(asText('\taction order 1: csum (iph, udp) action pass')).toEqual([{ kind: 'other', name: 'csum iph, udp', verdict: 'pass' }]);
    expect(asText('\taction order 1: gact action drop')).toEqual([{ kind: 'other', name: 'gact drop' }]);
  });

  test('flower as text', () => {
    const text = [
      'filter parent ffff: protocol all pref 1 flower chain 0 handle 0x1 ',
      '  eth_type ipv4',
      '  ip_proto udp',
      '  src_ip 10.0.0.0/28',
      '  src_port 53',
      '  not_in_hw',
      '\taction order 1: gact action drop',
    ].join('\n');
    expect(parseFilterText(text, { link: 'x' })).toMatchObject([
      { match: { family: 4, ipProtocol: 17, source: '10.0.0.0/28', sourcePort: { value: 53, mask: 0xffff } } },
    ]);
    expect(parseFilterText(text.replace('ip_proto udp', 'tcp_flags 0x2'), { link: 'x' })[0]?.match).toBeUndefined();
  });
});
