import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBits, canonical, familyOf, inRange } from '../../src/net/address.js';
import { contains, everything, network, overlap, parsePrefix, rangeOf } from '../../src/net/prefix.js';

/** As text and as the 32 bits of what it stands for, so that the reference below needs no code of ours. */
const prefix4 = fc.tuple(fc.nat({ max: 0xffffffff }), fc.nat({ max: 32 })).map(([value, length]) => ({
  text: `${[24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')}/${length}`,
  value,
  length,
}));

function upper(value: number, length: number): number {
  return length === 0 ? 0 : value >>> (32 - length);
}

/** Nothing in or around ::ffff:0:0/96: an IPv4-mapped address counts as IPv4, whose prefixes are shorter. */
const ipv6 = fc.ipV6().filter((text) => familyOf(text) === 6 && !canonical(text).startsWith('::'));

const prefix = fc.oneof(
  prefix4.map(({ text }) => text),
  fc.tuple(ipv6, fc.nat({ max: 128 })).map(([address, length]) => `${address}/${length}`),
);

describe('a prefix', () => {
  it.each([
    ['10.0.0.0/8', { family: 4, address: '10.0.0.0', length: 8 }],
    ['10.1.2.3/8', { family: 4, address: '10.1.2.3', length: 8 }],
    ['10.1.2.3', { family: 4, address: '10.1.2.3', length: 32 }],
    ['fd00::/64', { family: 6, address: 'fd00::', length: 64 }],
    ['::1', { family: 6, address: '::1', length: 128 }],
    ['::ffff:0.0.0.0/96', { family: 4, address: '::ffff:0.0.0.0', length: 0 }],
  ])('%s is read', (text, read) => {
    expect(parsePrefix(text)).toEqual(read);
  });

  it.each(['default', 'all', '', '/', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0.0/0x8', '::/129', '10/8'])(
    '"%s" is none',
    (text) => {
      expect(parsePrefix(text)).toBeUndefined();
      expect([network(text), rangeOf(text)]).toEqual([undefined, undefined]);
      expect(contains(text, '10.0.0.1')).toBe(false);
    },
  );

  it('has a network that is itself again', () => {
    fc.assert(
      fc.property(prefix, (text) => {
        const canonical = network(text) ?? '';
        expect(network(canonical)).toBe(canonical);
        expect(rangeOf(canonical)).toEqual(rangeOf(text));
      }),
    );
  });
});

describe('containing', () => {
  it('compares the bits in front', () => {
    fc.assert(
      fc.property(prefix4, prefix4, (outer, inner) => {
        const inside = inner.length >= outer.length && upper(inner.value, outer.length) === upper(outer.value, outer.length);
        expect(contains(outer.text, inner.text)).toBe(inside);
      }),
      { numRuns: 1000 },
    );
  });

  it('is transitive, reflexive, and holds for everything', () => {
    fc.assert(
      fc.property(prefix, prefix, prefix, (a, b, c) => {
        expect(contains(a, a)).toBe(true);
        if (contains(a, b) && contains(b, c)) expect(contains(a, c)).toBe(true);
        const family = parsePrefix(a)?.family ?? 4;
        expect(contains(everything(family), a)).toBe(true);
        expect(contains(everything(family === 4 ? 6 : 4), a)).toBe(false);
        expect(contains(a, everything(family))).toBe(parsePrefix(a)?.length === 0);
      }),
    );
  });

  it('makes prefixes overlap when and only when they share an end', () => {
    fc.assert(
      fc.property(prefix, prefix, (a, b) => {
        const [x, y] = [rangeOf(a), rangeOf(b)];
        if (!x || !y) throw new Error('no range');
        expect(overlap(a, b)).toBe(x.some((end) => inRange(end, y)) || y.some((end) => inRange(end, x)));
        expect(overlap(a, b)).toBe(overlap(b, a));
      }),
    );
  });
});

it('everything is as long as nothing', () => {
  for (const family of [4, 6] as const) {
    expect(parsePrefix(everything(family))?.length).toBe(0);
    expect(addressBits(family)).toBe(family === 4 ? 32 : 128);
  }
});
