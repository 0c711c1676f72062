import fc from 'fast-check';
import type { Pool } from './pool.js';

/* Random tc filters of the one kind that every kernel of the lab has, u32. Each side of a link has priorities of its own: see withoutEchoes() of the reader. */

const key = (prefixes: readonly string[], word: 'ip' | 'ip6') =>
  fc.oneof(
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom('src', 'dst'), fc.constantFrom(...prefixes)).map(([side, p]) => `match ${word} ${side} ${p}`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('sport', 'dport'), fc.constantFrom(53, 80, 5300, 9000))
        .map(([side, port]) => `match ${word} ${side} ${port} 0xffff`),
    },
    { weight: 1, arbitrary: fc.constantFrom(6, 17).map((number) => `match ${word} protocol ${number} 0xff`) },
  );

export function filters({ links, fourth, sixth }: Pool): fc.Arbitrary<readonly string[]> {
  const place = fc.tuple(fc.constantFrom(...links.map(({ name }) => name)), fc.constantFrom('ingress', 'egress'));
  const match = fc.oneof(
    { weight: 3, arbitrary: fc.array(key(fourth, 'ip'), { minLength: 1, maxLength: 2 }).map((keys) => ({ protocol: 'ip', keys })) },
    { weight: 1, arbitrary: fc.array(key(sixth, 'ip6'), { minLength: 1, maxLength: 2 }).map((keys) => ({ protocol: 'ipv6', keys })) },
  );
  const filter = fc
    .tuple(place, match, fc.constantFrom('drop', 'drop', 'drop', 'pass', 'continue'), fc.nat({ max: 3 }))
    .map(
      ([[link, side], { protocol, keys }, verdict, n]) =>
        `tc filter add dev ${link} ${side} protocol ${protocol} pref ${(side === 'ingress' ? 10 : 20) + 2 * n + (protocol === 'ip' ? 0 : 1)} u32 ${keys.join(' ')} action ${verdict}`,
    );
  return fc
    .array(filter, { minLength: 1, maxLength: 3 })
    .map((lines) => [
      ...links.map(({ name }) => `tc qdisc add dev ${name} clsact 2>/dev/null || true`),
      ...lines.map((line) => `${line} 2>/dev/null || true`),
    ]);
}
