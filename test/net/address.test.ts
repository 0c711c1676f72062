import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressBits,
  canonical,
  compareAddresses,
  familyOf,
  graft,
  inRange,
  isAddress,
  prefixBounds,
  sameAddress,
  withPort,
} from '../../src/net/address.js';

const address = fc.oneof(fc.ipV4(), fc.ipV6());
const sameFamily = fc.oneof(fc.tuple(fc.ipV4(), fc.ipV4()), fc.tuple(fc.ipV6(), fc.ipV6()));

describe('an address', () => {
  it.each([
    ['192.0.2.1', 4],
    ['::', 6],
    ['fe80::1%eth0', 6],
    ['::ffff:192.0.2.1', 4],
    ['::192.0.2.1', 6],
    ['10.1', undefined],
    ['0x0a.0.0.1', undefined],
    ['010.0.0.1', undefined],
    ['1.2.3.4.5', undefined],
    ['256.0.0.1', undefined],
    ['1::2::3', undefined],
    ['localhost', undefined],
    ['unix:/run/x', undefined],
    ['', undefined],
    ['10.0.0.1/8', undefined],
  ])('%s is of family %s', (text, family) => {
    expect(familyOf(text)).toBe(family);
    expect(isAddress(text)).toBe(family !== undefined);
  });

  it('keeps its value in canonical text', () => {
    fc.assert(
      fc.property(address, (text) => {
        expect(sameAddress(canonical(text), text)).toBe(true);
        expect(canonical(canonical(text))).toBe(canonical(text));
      }),
    );
  });

  it.each([
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::192.0.2.1', '::c000:201'],
    ['no address', 'no address'],
  ])('%s is written %s', (text, written) => {
    expect(canonical(text)).toBe(written);
  });

  it('is never the same as what is no address', () => {
    expect(sameAddress(undefined, undefined)).toBe(false);
    expect(sameAddress('x', 'x')).toBe(false);
    expect(sameAddress('::1', '0.0.0.1')).toBe(false);
  });

  it('may be any text without harm', () => {
    fc.assert(fc.property(fc.string(), (text) => [4, 6, undefined].includes(familyOf(text))));
  });
});

describe('order', () => {
  it('is total and follows the value', () => {
    fc.assert(
      fc.property(address, address, address, (a, b, c) => {
        expect(Math.sign(compareAddresses(a, b))).toBe(0 - Math.sign(compareAddresses(b, a)));
        if (compareAddresses(a, b) <= 0 && compareAddresses(b, c) <= 0) expect(compareAddresses(a, c)).toBeLessThanOrEqual(0);
        expect(compareAddresses(a, b) === 0).toBe(sameAddress(a, b));
      }),
    );
  });

  it('puts IPv4 before IPv6 and nonsense last', () => {
    expect(['zzz', '::1', '10.0.0.2', '9.0.0.1'].sort(compareAddresses)).toEqual(['9.0.0.1', '10.0.0.2', '::1', 'zzz']);
  });
});

describe('ranges and prefixes', () => {
  it('hold their own ends and what lies between', () => {
    fc.assert(
      fc.property(sameFamily, fc.nat({ max: 128 }), ([base, other], wanted) => {
        const family = familyOf(base) ?? 4;
        const length = Math.min(wanted, addressBits(family));
        const bounds = prefixBounds(base, length);
        if (!bounds) throw new Error('no bounds');
        expect(bounds.every((end) => inRange(end, bounds))).toBe(true);
        expect(inRange(base, bounds)).toBe(true);
        const between = compareAddresses(bounds[0], other) <= 0 && compareAddresses(other, bounds[1]) <= 0;
        expect(inRange(other, bounds)).toBe(between && familyOf(other) === family);
      }),
    );
  });

  it.each([
    ['10.1.2.3', 33],
    ['10.1.2.3', -1],
    ['10.1.2.3', 1.5],
    ['::1', 129],
    ['x', 8],
  ])('%s/%d has none', (text, length) => {
    expect(prefixBounds(text, length)).toBeUndefined();
  });

  it('graft network bits onto host bits and back', () => {
    expect(graft('192.168.99.10', '172.16.0.11', 32)).toBe('192.168.99.10');
    expect(graft('192.168.99.0', '172.16.0.11', 24)).toBe('192.168.99.11');
    expect(graft('::1', '172.16.0.11', 24)).toBeUndefined();
    fc.assert(
      fc.property(sameFamily, fc.nat({ max: 32 }), ([net, host], length) => {
        if (familyOf(net) !== familyOf(host)) return;
        const grafted = graft(net, host, length) ?? '';
        expect(sameAddress(graft(host, grafted, length), host)).toBe(true);
        expect(prefixBounds(grafted, length)).toEqual(prefixBounds(net, length));
      }),
    );
  });
});

it('brackets IPv6 in front of a port', () => {
  expect(withPort('10.0.0.1', 53)).toBe('10.0.0.1:53');
  expect(withPort('::1', 53)).toBe('[::1]:53');
});
