import fc from 'fast-check';
import type { Family } from '../../../src/types.js';

export const links = ['la', 'lb', 'lc', 'ld'] as const;

export interface Numbers {
  family: Family;
  /** One address out of a few that share prefixes of several lengths. */
  address: fc.Arbitrary<string>;
  prefixLength: fc.Arbitrary<number>;
  foreign: readonly string[];
  /** Addresses that links may have. For IPv6 each link has prefixes of its own. */
  own: (link: (typeof links)[number]) => fc.Arbitrary<string>;
  none: string;
  /** Sources that no packet from outside may have, and destinations that none may go to. */
  martians: readonly string[];
}

const digit = fc.nat({ max: 3 });

export const numbers: Record<4 | 6, Numbers> = {
  4: {
    family: 4,
    address: fc.tuple(digit, digit, fc.constantFrom(0, 1, 2, 5, 255)).map(([x, y, z]) => `10.${x}.${y}.${z}`),
    prefixLength: fc.constantFrom(8, 15, 16, 23, 24, 30, 32),
    foreign: ['192.0.2.1', '198.51.100.7'],
    own: () =>
      fc.tuple(digit, digit, fc.constantFrom(1, 2), fc.constantFrom(16, 24, 30, 32)).map(([x, y, z, n]) => `10.${x}.${y}.${z}/${n}`),
    none: '0.0.0.0/0',
    martians: ['0.1.2.3', '127.0.0.5', '224.0.0.5', '255.255.255.255', '240.0.0.1'],
  },
  6: {
    family: 6,
    address: fc.tuple(fc.nat({ max: 4 }), digit, fc.constantFrom(0, 1, 2, 5)).map(([x, y, z]) => `fd00:${x}:0:${y}::${z}`),
    prefixLength: fc.constantFrom(16, 32, 48, 63, 64, 126, 128),
    foreign: ['2001:db8::1', '2001:db8:1::7'],
    own: (link) =>
      fc
        .tuple(digit, fc.constantFrom(1, 2), fc.constantFrom(64, 128))
        .map(([y, z, n]) => `fd00:${links.indexOf(link) + 1}:0:${y}::${z}/${n}`),
    none: '::/0',
    martians: [],
  },
};

/** A word and its value, or nothing, more often the latter the larger `absent`. */
export function maybe(word: string, value: fc.Arbitrary<string | number>, absent: number): fc.Arbitrary<string> {
  return fc.oneof({ weight: absent, arbitrary: fc.constant('') }, { weight: 1, arbitrary: value.map((text) => `${word} ${text}`) });
}

export function sentence(...parts: readonly (fc.Arbitrary<string> | string)[]): fc.Arbitrary<string> {
  const words = parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part));
  return fc.tuple(...words).map((all) => all.filter((word) => word !== '').join(' '));
}

export function prefix({ address, prefixLength, none }: Numbers): fc.Arbitrary<string> {
  const some = fc.tuple(address, prefixLength).map(([text, length]) => masked(text, length));
  return fc.oneof({ weight: 5, arbitrary: some }, { weight: 1, arbitrary: fc.constant(none) });
}

/** `ip` wants the host bits of a route or rule to be zero; whole groups are enough for the lengths used here. */
export function masked(address: string, length: number): string {
  if (address.includes(':')) {
    const [, x = '0', , y = '0'] = address.split(':');
    if (length >= 126) return `fd00:${x}:0:${y}::/${length}`;
    if (length >= 63) return `fd00:${x}:0:${length === 63 ? Number(y) & ~1 : y}::/${length}`;
    return length >= 32 ? `fd00:${x}::/${length}` : `fd00::/${length}`;
  }
  const bytes = address.split('.').map(Number);
  return `${bytes.map((byte, i) => byte & (0xff << Math.min(8, Math.max(0, 8 * (i + 1) - length))) & 0xff).join('.')}/${length}`;
}
