import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findTracefs } from '../../src/capture/drops/instance.js';
import { namesOf } from '../../src/capture/drops/symbols.js';
import { functionName, parseDrop, parseLost, parseReasons } from '../../src/capture/drops/text.js';
import { dropDeltas, watchDrops } from '../../src/capture/drops.js';

const format = readFileSync(new URL('fixtures/kfree-skb-6.18.txt', import.meta.url), 'utf8');
const reasons = parseReasons(format) ?? new Map<number, string>();

describe('the format of the event', () => {
  test('tells the reasons of this very kernel', () => {
    expect([2, 16, 87, 90].map((number) => reasons.get(number))).toEqual([
      'NOT_SPECIFIED',
      'IP_RPFILTER',
      'IP_INADDRERRORS',
      'IP_INVALID_SOURCE',
    ]);
    expect(reasons.size).toBe(127);
  });

  test('of a kernel before 5.17 has no reason', () => {
    const old =
      'name: kfree_skb\nformat:\n\tfield:void * location;\toffset:16;\n\nprint fmt: "skbaddr=%p protocol=%u location=%p", REC->skbaddr\n';
    expect(parseReasons(old)).toBeUndefined();
  });

  test('may name no reason: the kernel then prints them itself', () => {
    expect(parseReasons('\tfield:enum skb_drop_reason reason;\toffset:28;\n\nprint fmt: "reason: %s", drop_reasons[REC->reason]')).toEqual(
      new Map(),
    );
  });
});

describe('an event', () => {
  const head = '          <idle>-0       [001] ..s2. 31307.485714: kfree_skb: ';

  test.each([
    [
      'skbaddr=0000000032fa5380 rx_sk=0000000000000000 protocol=2048 location=ip_rcv_finish_core.isra.0+0x4bc/0xd00 reason: IP_RPFILTER',
      { reason: 'IP_RPFILTER', where: 'ip_rcv_finish_core', protocol: 'IPv4' },
    ],
    [
      'skbaddr=0000000032fa5380 protocol=34525 location=nft_do_chain+0x4bc/0xd00 [nf_tables] reason: NETFILTER_DROP',
      { reason: 'NETFILTER_DROP', where: 'nft_do_chain', protocol: 'IPv6' },
    ],
    [
      'skbaddr=ffff8881a2b3c400 protocol=2048 location=ffffffff81a2b3c4 reason: NO_SOCKET',
      { reason: 'NO_SOCKET', where: 'ffffffff81a2b3c4', protocol: 'IPv4' },
    ],
    // A reason that the format names but the text does not, and one that belongs to a module.
    ['skbaddr=0 protocol=2048 location=ip_rcv+0x1/0x2 reason: 0x10', { reason: 'IP_RPFILTER', where: 'ip_rcv', protocol: 'IPv4' }],
    ['skbaddr=0 protocol=2048 location=ip_rcv+0x1/0x2 reason: 0x30001', { reason: '0x30001', where: 'ip_rcv', protocol: 'IPv4' }],
    ['skbaddr=0 protocol=2054 location=arp_rcv+0x1/0x2 reason: NOT_SPECIFIED', undefined],
    ['skbaddr=0 protocol=2048 location=ip_rcv+0x1/0x2', undefined],
  ])('%s', (fields, event) => {
    expect(parseDrop(head + fields, reasons)).toEqual(event);
  });

  test('is nothing else of the trace, and a process cannot forge one by its name', () => {
    expect(parseDrop('          <idle>-0       [001] ..s2. 1.5: consume_skb: skbaddr=0', reasons)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (line) => parseDrop(line, reasons) === undefined));
  });

  test('that was lost is counted', () => {
    expect(parseLost('CPU:1 [LOST 1234 EVENTS]')).toBe(1234);
    expect(parseLost('CPU:0 [LOST EVENTS]')).toBe(1);
    expect(parseLost(`${head}CPU:1 [LOST 5 EVENTS] x`)).toBe(0);
  });
});

test.each([
  ['ip_rcv_finish_core.isra.0', 'ip_rcv_finish_core'],
  ['tcp_v4_rcv', 'tcp_v4_rcv'],
  ['udp_queue_rcv_one_skb.part.0.constprop.0', 'udp_queue_rcv_one_skb'],
  ['__udp4_lib_rcv.cold', '__udp4_lib_rcv'],
])('the function of %s is %s', (symbol, name) => {
  expect(functionName(symbol)).toBe(name);
});

describe('names of addresses', () => {
  const hex = (value: number) => `ffffffff8${value.toString(16).padStart(7, '0')}`;

  test('are those of the functions that begin at or before them, data left out', () => {
    const kallsyms = [`${hex(16)} T first`, `${hex(48)} d data`, `${hex(32)} t second`, `${hex(64)} T third\t[module]`, ''].join('\n');
    expect(Object.fromEntries(namesOf([hex(15), hex(16), hex(31), hex(50), hex(63), hex(99), 'ip_rcv'], kallsyms))).toEqual({
      [hex(16)]: 'first',
      [hex(31)]: 'first',
      [hex(50)]: 'second',
      [hex(63)]: 'second',
      [hex(99)]: 'third',
    });
  });

  test('are those that looking through all of them would find', () => {
    const symbols = fc.uniqueArray(fc.nat(200), { maxLength: 30 });
    fc.assert(
      fc.property(symbols, fc.array(fc.nat(200), { maxLength: 20 }), (starts, addresses) => {
        const kallsyms = starts.map((start) => `${hex(start)} T f${start}\n`).join('');
        const found = namesOf(addresses.map(hex), kallsyms);
        for (const address of addresses) {
          const before = starts.filter((start) => start <= address);
          expect(found.get(hex(address))).toBe(before.length === 0 ? undefined : `f${Math.max(...before)}`);
        }
      }),
    );
  });
});

describe('tracefs', () => {
  test('is where it is mounted', () => {
    expect(findTracefs('proc /proc proc rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n')).toBe('/sys/kernel/tracing');
    expect(findTracefs('nodev /mnt/a\\040b tracefs rw 0 0\n')).toBe('/mnt/a b');
  });

  test('that is not mounted is not mounted for this, and the reason says so', () => {
    expect(findTracefs('debugfs /sys/kernel/debug debugfs rw 0 0\n')).toBeUndefined();
    expect(watchDrops(findTracefs(''))).toEqual({ ok: false, why: expect.stringMatching(/tracefs is not mounted/) });
  });

  test('of a kernel without the event is told, too', () => {
    expect(watchDrops('/nonexistent')).toEqual({ ok: false, why: expect.stringMatching(/no event skb:kfree_skb/) });
  });
});

test('drops become evidence that holds for the whole machine', () => {
  const counts = [{ reason: 'NOT_SPECIFIED', where: 'ip_rcv_finish_core', protocol: 'IPv4' as const, count: 12 }];
  expect(dropDeltas({ counts, lost: 0 }, 'proxy')).toEqual([
    {
      host: 'proxy',
      name: 'drop reason NOT_SPECIFIED in ip_rcv_finish_core (IPv4)',
      delta: 12,
      source: 'tracepoint skb:kfree_skb',
      scope: 'machine',
    },
  ]);
});
