import fc from 'fast-check';
import type { Pool } from './pool.js';

/*
 * Random tc filters of the kinds that kernels without act_gact and act_pedit have, u32 and mirred. Each side of a link has priorities of its own: see
 * withoutEchoes() of the reader. What mirred sends out by another link nobody takes, so that it stands for a drop.
 */

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

const match = ({ fourth, sixth }: Pool) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.array(key(fourth, 'ip'), { minLength: 1, maxLength: 2 }).map((keys) => ({ protocol: 'ip', keys })) },
    { weight: 1, arbitrary: fc.array(key(sixth, 'ip6'), { minLength: 1, maxLength: 2 }).map((keys) => ({ protocol: 'ipv6', keys })) },
  );

/** A copy, the packet itself out of another link, or in by it. */
function action(others: readonly string[], side: string): fc.Arbitrary<string> {
  const elsewhere = others.flatMap((to) => [`egress redirect dev ${to}`, `egress mirror dev ${to}`]);
  const moved = side === 'ingress' ? others.map((to) => `ingress redirect dev ${to}`) : [];
  return fc.constantFrom('egress mirror dev lo', ...elsewhere, ...moved);
}

export function filters(pool: Pool): fc.Arbitrary<readonly string[]> {
  const names = pool.links.map(({ name }) => name);
  const filter = fc.tuple(fc.constantFrom(...names), fc.constantFrom('ingress', 'egress')).chain(([link, side]) =>
    fc
      .tuple(
        match(pool),
        action(
          names.filter((name) => name !== link),
          side,
        ),
        fc.nat({ max: 3 }),
      )
      .map(([{ protocol, keys }, does, n]) => {
        const priority = (side === 'ingress' ? 10 : 20) + 2 * n + (protocol === 'ip' ? 0 : 1);
        return `tc filter add dev ${link} ${side} protocol ${protocol} pref ${priority} u32 ${keys.join(' ')} action mirred ${does} 2>/dev/null || true`;
      }),
  );
  return fc
    .array(filter, { minLength: 1, maxLength: 3 })
    .map((lines) => [...names.map((name) => `tc qdisc add dev ${name} clsact 2>/dev/null || true`), ...lines]);
}
