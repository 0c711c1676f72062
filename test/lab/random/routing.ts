import fc from 'fast-check';
import { isSixth, type Pool } from './pool.js';

/*
 * Random routes, policy rules and sysctls, as lines of POSIX sh. Not made: next hops that nobody has (the model follows no packet beyond the hosts that
 * were named), and routes straight to an address that is on another segment.
 */

type Family = 4 | 6;

const family = fc.constantFrom<Family>(4, 4, 6);
const prefixes = (pool: Pool, of: Family) => fc.constantFrom(...(of === 4 ? pool.fourth : pool.sixth));
/** Its own tables, and one that only random rules lead to. */
const tables = (pool: Pool) => fc.constantFrom('main', 'main', '77', ...pool.tables);
const passedOver = (command: string): string => `${command} 2>/dev/null || true`;

/** `via X dev Y` to somebody on a segment of this host. */
function nextHop(pool: Pool, of: Family): fc.Arbitrary<string> {
  const hops = pool.links.flatMap(({ name, neighbours }) =>
    neighbours.filter((address) => isSixth(address) === (of === 6)).map((address) => `via ${address} dev ${name}`),
  );
  return fc.constantFrom(...hops);
}

export function routes(pool: Pool): fc.Arbitrary<readonly string[]> {
  return family.chain((of) => {
    const any = fc.oneof({ weight: 3, arbitrary: prefixes(pool, of) }, { weight: 1, arbitrary: fc.constant('default') });
    const unicast = fc
      .tuple(
        fc.constantFrom('add', 'replace', 'replace'),
        any,
        nextHop(pool, of),
        tables(pool),
        fc.constantFrom('', '', 'metric 10', 'metric 2000'),
      )
      .map(([verb, to, hop, table, metric]) => `${verb} ${to} ${hop} table ${table} ${metric}`);
    const refused = fc
      .tuple(fc.constantFrom('blackhole', 'unreachable', 'prohibit', 'throw'), any, tables(pool), fc.constantFrom('', '', 'metric 10'))
      .map(([type, to, table, metric]) => `add ${type} ${to} table ${table} ${metric}`);
    // Not an upstream's: an nginx that asks itself asks itself again, and keeps the host busy.
    const kept = fc
      .tuple(fc.constantFrom(...pool.clients.filter((address) => isSixth(address) === (of === 6))), tables(pool))
      .map(([to, table]) => `add local ${to} dev lo table ${table}`);
    const gone = fc.tuple(any, tables(pool)).map(([to, table]) => `del ${to} table ${table}`);
    const change = fc.oneof(
      { weight: 5, arbitrary: unicast },
      { weight: 2, arbitrary: refused },
      { weight: 1, arbitrary: kept },
      { weight: 2, arbitrary: gone },
    );
    return fc
      .array(change, { minLength: 1, maxLength: 3 })
      .map((changes) => changes.map((words) => passedOver(`ip -${of} route ${words}`)));
  });
}

export function policyRules(pool: Pool): fc.Arbitrary<readonly string[]> {
  return family.chain((of) => {
    const selector = fc.oneof(
      { weight: 3, arbitrary: prefixes(pool, of).map((prefix) => `from ${prefix}`) },
      { weight: 3, arbitrary: prefixes(pool, of).map((prefix) => `to ${prefix}`) },
      { weight: 2, arbitrary: fc.constantFrom('fwmark 1', 'fwmark 0x1/0x3', 'not fwmark 1', 'fwmark 2') },
      { weight: 2, arbitrary: fc.constantFrom('iif lo', ...pool.links.map(({ name }) => `iif ${name}`)) },
      { weight: 1, arbitrary: fc.constantFrom('ipproto tcp', 'ipproto udp sport 53', 'ipproto tcp dport 80', 'dport 9000') },
    );
    const action = fc.oneof(
      { weight: 6, arbitrary: tables(pool).map((table) => `lookup ${table}`) },
      { weight: 1, arbitrary: fc.constantFrom('blackhole', 'unreachable', 'prohibit', 'goto 32766') },
      { weight: 1, arbitrary: tables(pool).map((table) => `lookup ${table} suppress_prefixlength 0`) },
    );
    const priority = fc.constantFrom(7, 90, 1000, 20_000, 32_765, 40_000);
    return fc
      .tuple(priority, fc.array(selector, { minLength: 1, maxLength: 2 }), action)
      .map(([at, selectors, does]) => [passedOver(`ip -${of} rule add ${selectors.join(' ')} pref ${at} ${does}`)]);
  });
}

/** Rules alone lead to tables that say nothing of interest, so routes come with them. */
export const routing = (pool: Pool): fc.Arbitrary<readonly string[]> =>
  fc.oneof(
    { weight: 2, arbitrary: routes(pool) },
    { weight: 2, arbitrary: fc.tuple(routes(pool), policyRules(pool)).map((parts) => parts.flat()) },
    { weight: 1, arbitrary: policyRules(pool) },
  );

/** Which sysctls change, and to what at most. `forwarding` of `all` sets those of all links. */
const perLink = { rp_filter: 2, accept_local: 1, src_valid_mark: 1, forwarding: 1 } as const;

export function sysctls({ links, forwardsBesideNginx }: Pool): fc.Arbitrary<readonly string[]> {
  const where = fc.constantFrom('all', ...links.map(({ name }) => name));
  const ofLinks = fc
    .tuple(fc.constantFrom(...(Object.keys(perLink) as (keyof typeof perLink)[])), where, fc.nat({ max: 2 }))
    .map(([name, link, value]) => `echo ${Math.min(value, perLink[name])} > /proc/sys/net/ipv4/conf/${link}/${name}`);
  const sixth = fc.nat({ max: 1 }).map((value) => `echo ${value} > /proc/sys/net/ipv6/conf/all/forwarding`);
  // With it, some of the forwarded DSR replies are lost by chance.
  const byChance = forwardsBesideNginx ? [] : ['udp_early_demux'];
  const demux = fc
    .tuple(fc.constantFrom('tcp_early_demux', ...(forwardsBesideNginx ? [] : ['ip_early_demux']), ...byChance), fc.nat({ max: 1 }))
    .map(([name, value]) => `echo ${value} > /proc/sys/net/ipv4/${name}`);
  return fc
    .array(fc.oneof({ weight: 6, arbitrary: ofLinks }, { weight: 1, arbitrary: sixth }, { weight: 1, arbitrary: demux }), {
      minLength: 1,
      maxLength: 3,
    })
    .map((lines) => lines);
}
