import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Counter } from '../../src/capture/counters/counter.js';
import { columnSums, linkDrops } from '../../src/capture/counters/kernel.js';
import { qdiscDrops } from '../../src/capture/counters/rules.js';
import { type CounterReading, differ, readCounters } from '../../src/capture/counters.js';
import type { Host, Query } from '../../src/types.js';
import { hostWith } from '../facts/fixtures.js';

const reading = (counters: Readonly<Record<string, Partial<Counter>>>): CounterReading => ({
  host: 'proxy',
  counters: new Map(
    Object.entries(counters).map(([name, given]) => [name, { name, value: 0, source: '/proc/net/snmp', kind: 'event', ...given }]),
  ),
  unread: [],
});

describe('the difference of two readings', () => {
  test('is what grew, and rules that stood still', () => {
    const before = reading({ UdpNoPorts: { value: 5 }, IpInAddrErrors: { value: 9 }, '-A INPUT -j DROP': { value: 3, kind: 'rule' } });
    const after = reading({ UdpNoPorts: { value: 12 }, IpInAddrErrors: { value: 9 }, '-A INPUT -j DROP': { value: 3, kind: 'rule' } });
    expect(differ(before, after)).toEqual([
      { host: 'proxy', name: 'UdpNoPorts', delta: 7, source: '/proc/net/snmp' },
      { host: 'proxy', name: '-A INPUT -j DROP', delta: 0, source: '/proc/net/snmp' },
    ]);
  });

  test('leaves out what went back and what one reading has alone', () => {
    const before = reading({ reset: { value: 10, kind: 'rule' }, gone: { value: 1, kind: 'rule' } });
    const after = reading({ reset: { value: 2, kind: 'rule' }, added: { value: 4, kind: 'rule' } });
    expect(differ(before, after)).toEqual([]);
  });

  test('says what was counted for the whole machine', () => {
    const martians = (value: number) => reading({ in_martian_src: { value, scope: 'machine' } });
    expect(differ(martians(1), martians(3))).toMatchObject([{ delta: 2, scope: 'machine' }]);
  });

  test('of any two readings has no negative and no still counter but rules, each once, and none when nothing happened', () => {
    const counter = fc.record({ value: fc.nat(), kind: fc.constantFrom('event' as const, 'rule' as const) });
    const some = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', '__proto__'), counter).map(reading);
    fc.assert(
      fc.property(some, some, (before, after) => {
        const found = differ(before, after);
        expect(found.every(({ delta, name }) => delta > 0 || (delta === 0 && after.counters.get(name)?.kind === 'rule'))).toBe(true);
        expect(new Set(found.map(({ name }) => name)).size).toBe(found.length);
        for (const { name, delta } of found)
          expect((before.counters.get(name)?.value ?? Number.NaN) + delta).toBe(after.counters.get(name)?.value);
        expect(differ(after, after).every(({ delta }) => delta === 0)).toBe(true);
      }),
    );
  });

  test('is bounded where a host has tens of thousands of rules, and what moved comes first', () => {
    const rules = (value: number) =>
      reading(
        Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`rule ${i}`, { kind: 'rule', value: i === 29_999 ? value : 0 }])),
      );
    const found = differ(rules(0), rules(1));
    expect(found[0]).toMatchObject({ name: 'rule 29999', delta: 1 });
    expect(found.length).toBeLessThanOrEqual(1001);
  });
});

describe('tables of /proc/net/stat', () => {
  test('are summed over the processors, as hexadecimal numbers', () => {
    const text = 'entries  in_martian_dst in_martian_src\n00000005 00000000 000000ff\n00000005 00000001 00000002\n';
    expect(Object.fromEntries(columnSums(text))).toEqual({ entries: 10, in_martian_dst: 1, in_martian_src: 257 });
  });

  test('give back what was written, whatever their columns are', () => {
    const table = fc.integer({ min: 1, max: 20 }).chain((width) =>
      fc.record({
        names: fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,12}$/), { minLength: width, maxLength: width }),
        rows: fc.array(fc.array(fc.nat(0xffffffff), { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }),
      }),
    );
    fc.assert(
      fc.property(table, ({ names, rows }) => {
        const hex = rows.map((row) => row.map((value) => value.toString(16).padStart(8, '0')).join(' '));
        const sums = columnSums([names.join('  '), ...hex, ''].join('\n'));
        expect(names.map((name) => sums.get(name))).toEqual(names.map((_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0)));
      }),
    );
  });

  test('of any text count no row that is not whole', () => {
    expect(columnSums('a b\n00000001\n')).toEqual(new Map());
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect([...columnSums(text).values()].every((sum) => Number.isFinite(sum) && sum >= 0)).toBe(true);
      }),
    );
  });
});

test('drops of interfaces are read from /proc/net/dev, where old kernels leave no blank behind the colon', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '  eth0: 100 2 0 3 0 0 0 0 200 4 0 5 0 0 0 0',
    'eth1:100 2 0 7 0 0 0 0 200 4 0 0 0 0 0 0',
    'broken: 1 2',
  ].join('\n');
  expect(linkDrops(text).map(({ name, value }) => [name, value])).toEqual([
    ['eth0 rx dropped', 3],
    ['eth0 tx dropped', 5],
    ['eth1 rx dropped', 7],
    ['eth1 tx dropped', 0],
  ]);
});

test('drops of queueing disciplines are read, and text that is no JSON has none', () => {
  const json = '[{"kind":"htb","handle":"10:","dev":"eth0","root":true,"drops":4},{"kind":"fq","dev":"eth1"}]';
  expect(qdiscDrops(json).map(([, { name, value }]) => [name, value])).toEqual([['eth0 qdisc htb 10: dropped', 4]]);
  expect(qdiscDrops('qdisc htb 10: root')).toEqual([]);
});

/** What a host with the legacy back end of iptables has. */
const hostWithRules = (rules: string, asked: Query[] = []): Host => {
  const answers = new Map([
    ['/proc/net/snmp', 'Ip: Forwarding InAddrErrors\nIp: 1 4\nTcp: CurrEstab\nTcp: 9\n'],
    ['/proc/net/ip_tables_names', 'filter\n'],
    ['iptables-legacy-save -c', rules],
  ]);
  return async (query) => {
    asked.push(query);
    const text = answers.get('run' in query ? query.run.join(' ') : 'read' in query ? query.read : 'glob' in query ? query.glob : query.in);
    if (text !== undefined) return { ok: true, text: 'glob' in query ? `${query.glob}\n` : text, stderr: '' };
    return 'glob' in query || 'grep' in query ? { ok: true, text: '', stderr: '' } : { ok: false, why: 'No such file or directory' };
  };
};

const saved = (rules: readonly string[], policy = 'DROP [7:700]') =>
  ['*filter', `:INPUT ${policy}`, ':FORWARD ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');

describe('a reading', () => {
  test('counts what connection tracking had no room for, and how full it is', async () => {
    const host = (drop: string) =>
      hostWith({
        '/proc/net/stat/nf_conntrack': `entries  invalid insert_failed drop early_drop\n00000008  00000001 00000000 ${drop} 00000000\n`,
        '/proc/sys/net/netfilter/nf_conntrack_count': '8\n',
        '/proc/sys/net/netfilter/nf_conntrack_max': '8\n',
      });
    const [before, after] = await Promise.all([readCounters(host('0000000a'), 'proxy'), readCounters(host('0000000f'), 'proxy')]);
    const source = '/proc/net/stat/nf_conntrack (8 of 8 entries used)';
    expect(differ(before, after)).toEqual([{ host: 'proxy', name: 'conntrack drop', delta: 5, source }]);
  });

  test('knows rules by their text and order, so that a rule put above changes nothing', async () => {
    const before = await readCounters(hostWithRules(saved(['[1:60] -A INPUT -j LOG', '[5:300] -A INPUT -j LOG'])), 'proxy');
    const rules = ['[9:540] -A INPUT -i lo -j ACCEPT', '[3:180] -A INPUT -j LOG', '[5:300] -A INPUT -j LOG'];
    const after = await readCounters(hostWithRules(saved(rules, 'DROP [9:900]')), 'proxy');
    expect(differ(before, after).map(({ name, delta, source }) => [name, delta, source])).toEqual([
      ['-A INPUT -j LOG', 2, 'iptables-legacy-save -t filter, chain INPUT'],
      ['policy drop', 2, 'iptables-legacy-save -t filter, chain INPUT'],
      ['-A INPUT -j LOG', 0, 'iptables-legacy-save -t filter, chain INPUT'],
    ]);
  });

  test('has no settings and states, which the kernel prints among its counters', async () => {
    const { counters } = await readCounters(hostWithRules(saved([])), 'proxy');
    expect([...counters.values()].map(({ name }) => name)).toEqual(['IpInAddrErrors', 'policy drop']);
  });

  test('asks no tool that would load a module where there are no tables', async () => {
    const asked: Query[] = [];
    await readCounters(hostWithRules('', asked), 'proxy');
    const run = asked.flatMap((query) => ('run' in query ? [query.run[0]] : []));
    expect(run.filter((tool) => /nft|ip6tables/.test(tool ?? ''))).toEqual([]);
  });

  test('says what could not be read', async () => {
    const { unread } = await readCounters(async () => ({ ok: false, why: 'the host is gone' }), 'proxy');
    expect(unread.join('\n')).toMatch(/the host is gone/);
    expect(unread.length).toBeGreaterThan(0);
  });
});
