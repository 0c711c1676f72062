import fc from 'fast-check';
import type { Family, RouteQuestion } from '../../../src/types.js';
import { links, masked, maybe, type Numbers, numbers, prefix, sentence } from './numbers.js';

/**
 * What makes a host's routing, as lines for `ip -batch` and for /proc/sys, and what it is asked.
 *
 * Not made, because the model does not claim them: two IPv6 routes of one prefix, table and metric (the kernel takes turns); multicast and link-local
 * destinations; default routes for one type of service beside others (the kernel takes turns among silent gateways, fib_select_default()); IPv4 sources
 * that are not the host's own without an in-interface, and none with one (`ip route get` refuses both).
 */
export interface RandomHost {
  /** `net/ipv4/conf/a/rp_filter 1` */
  sysctls: readonly string[];
  /** Some of them the kernel refuses (a gateway that is an address of the host, a route there is already): they are passed over. */
  commands: Readonly<Record<Family, readonly string[]>>;
  /** `ld` stays down, so that `lc` has no carrier. */
  cut: boolean;
  questions: readonly RouteQuestion[];
}

const tables = ['main', 'local', 'default', '100', '101', '102'] as const;
const table = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('100', '101', '102') },
  { weight: 1, arbitrary: fc.constantFrom(...tables) },
);
/** Without rules of one's own the others are never looked at. */
const kernelTable = fc.constantFrom('main', 'local', 'default');
const link = fc.constantFrom(...links);
const anyLink = fc.constantFrom('lo', ...links);
const mark = fc.constantFrom(0, 1, 2, 3, 0x10, 0x80000001);

function route(of: Numbers, table: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const metric = maybe('metric', fc.constantFrom(10, 20, 30), 1);
  const whole = prefix(of);
  const start = 'route add';
  const unicast = sentence(
    start,
    whole,
    maybe('via', of.address, 1),
    link.map((name) => `dev ${name} onlink`),
    table.map((t) => `table ${t}`),
    metric,
  );
  const local = sentence(
    start,
    'local',
    whole,
    anyLink.map((name) => `dev ${name}`),
    table.map((t) => `table ${t}`),
    metric,
  );
  const refusal = fc.constantFrom('blackhole', 'unreachable', 'prohibit', 'throw');
  const refused = sentence(
    start,
    refusal,
    whole,
    table.map((t) => `table ${t}`),
    metric,
  );
  const several = sentence(
    start,
    whole,
    table.map((t) => `table ${t}`),
    metric,
    fc.array(nextHop(of), { minLength: 2, maxLength: 3 }).map((hops) => hops.join(' ')),
  );
  return fc.oneof(
    { weight: 6, arbitrary: unicast },
    { weight: 2, arbitrary: several },
    { weight: 1, arbitrary: local },
    { weight: 2, arbitrary: refused },
    { weight: 1, arbitrary: of.family === 4 ? routeForService(of, table) : routeForSource(of, table) },
  );
}

function nextHop(of: Numbers): fc.Arbitrary<string> {
  return sentence(
    'nexthop',
    of.address.map((via) => `via ${via}`),
    link.map((name) => `dev ${name}`),
    maybe('weight', fc.constantFrom(1, 5), 2),
    'onlink',
  );
}

function routeForService(of: Numbers, table: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return sentence(
    'route add',
    fc.tuple(of.address, of.prefixLength).map(([text, length]) => masked(text, length)),
    service.map((tos) => `tos ${tos}`),
    link.map((name) => `dev ${name}`),
    table.map((t) => `table ${t}`),
  );
}

function routeForSource(of: Numbers, table: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return sentence(
    'route add',
    prefix(of),
    prefix(of).map((source) => `from ${source}`),
    link.map((name) => `dev ${name}`),
    table.map((t) => `table ${t}`),
  );
}

/** Next hops that are objects of their own, and routes that name them or a group of them. */
function nextHopObjects(of: Numbers, table: fc.Arbitrary<string>): fc.Arbitrary<string[]> {
  const object = (id: number) =>
    fc.tuple(of.address, fc.constantFrom('la', 'lb')).map(([via, name]) => `nexthop add id ${id} via ${via} dev ${name} onlink`);
  const named = fc.tuple(prefix(of), table, fc.constantFrom(1, 2, 9)).map(([to, t, id]) => `route add ${to} table ${t} nhid ${id}`);
  return fc
    .tuple(object(1), object(2), fc.array(named, { maxLength: 3 }))
    .map(([one, two, routes]) => [one, two, 'nexthop add id 9 group 1/2', ...routes]);
}

const service = fc.constantFrom('0x04', '0x08', '0x10', '0x28');

const priority = fc.nat({ max: 12 }).map((n) => n * 10 + 10);

function rule(of: Numbers): fc.Arbitrary<string> {
  const selectors = [
    maybe('from', prefix(of), 2),
    maybe('to', prefix(of), 2),
    maybe('iif', fc.constantFrom('lo', 'lo', ...links, 'gone'), 2),
    maybe('oif', link, 12),
    maybe(
      'fwmark',
      fc.tuple(mark, fc.constantFrom('', '/0x1', '/0xf', '/0xff')).map(([value, mask]) => `${value}${mask}`),
      2,
    ),
    maybe('ipproto', fc.constantFrom('tcp', 'udp'), 9),
    maybe('sport', fc.constantFrom('53', '4000-5000'), 16),
    maybe('dport', fc.constantFrom('53', '1-100'), 12),
    maybe('tos', service, 12),
  ];
  const lookup = sentence(
    table.map((t) => `table ${t}`),
    maybe('suppress_prefixlength', fc.constantFrom(0, 8, 16, 32), 4),
  );
  const action = fc.oneof(
    { weight: 8, arbitrary: lookup },
    { weight: 1, arbitrary: fc.constantFrom('blackhole', 'unreachable', 'prohibit') },
    { weight: 1, arbitrary: priority.map((to) => `goto ${to + 5 * (to % 20 === 0 ? 0 : 2)}`) },
  );
  const not = fc.constantFrom('', '', '', '', 'not');
  return sentence(
    'rule add',
    not,
    priority.map((at) => `pref ${at}`),
    ...selectors,
    action,
  );
}

/** The local table behind other rules, or one of the kernel's own rules away. */
const upheaval = fc.oneof(
  { weight: 6, arbitrary: fc.constant<string[]>([]) },
  { weight: 1, arbitrary: fc.constant(['rule add pref 65 table local', 'rule del pref 0']) },
  { weight: 1, arbitrary: fc.constant(['rule del pref 32767']) },
);

function address(of: Numbers, name: (typeof links)[number]): fc.Arbitrary<string> {
  if (of.family === 6) return of.own(name).map((text) => `address add ${text} dev ${name} nodad`);
  const peer = fc.tuple(of.own(name), of.address).map(([text, other]) => `${text.replace(/\/.*/, '')} peer ${other}/32`);
  return fc.oneof({ weight: 5, arbitrary: of.own(name) }, { weight: 1, arbitrary: peer }).map((text) => `address add ${text} dev ${name}`);
}

/** `ld` has no IPv4 address most of the time: source validation is another there. */
function addresses(of: Numbers): fc.Arbitrary<string[]> {
  const perLink = links.map((name) => fc.array(address(of, name), name === 'ld' ? { maxLength: 1 } : { minLength: 1, maxLength: 2 }));
  return fc.tuple(...perLink).map((all) => all.flat());
}

const sysctls = fc
  .tuple(
    ...['all', ...links].map((name) =>
      fc.tuple(fc.constant(name), fc.constantFrom(0, 0, 0, 1, 2), ...Array.from({ length: 6 }, () => fc.boolean())),
    ),
  )
  .map((all) => [
    ...all.flatMap(([name, filter, accepts, byMark, forwards, redirects, localnet, carrier]) => [
      `net/ipv4/conf/${name}/forwarding ${Number(forwards || name !== 'ld')}`,
      `net/ipv4/conf/${name}/rp_filter ${filter}`,
      `net/ipv4/conf/${name}/accept_local ${Number(accepts && name !== 'all')}`,
      `net/ipv4/conf/${name}/src_valid_mark ${Number(byMark && name !== 'all')}`,
      `net/ipv4/conf/${name}/send_redirects ${Number(redirects)}`,
      `net/ipv4/conf/${name}/route_localnet ${Number(localnet && name !== 'all')}`,
      `net/ipv4/conf/${name}/ignore_routes_with_linkdown ${Number(carrier && (name === 'all' ? redirects : true))}`,
    ]),
    `net/ipv6/conf/all/forwarding ${Number(all[0]?.[2] ?? false)}`,
  ]);

const protocol = fc.constantFrom(
  { ipProtocol: 17 },
  { ipProtocol: 17, sourcePort: 4000, destinationPort: 53 },
  { ipProtocol: 6, sourcePort: 53, destinationPort: 4000 },
);

/** `own` are the addresses with prefix length that were asked for. */
function question(of: Numbers, own: readonly string[]): fc.Arbitrary<RouteQuestion> {
  const bare = own.map((text) => text.replace(/\/.*/, ''));
  const near = fc.oneof({ weight: 3, arbitrary: of.address }, { weight: 1, arbitrary: fc.constantFrom(...bare, ...of.foreign) });
  const marked = mark.map((value) => (value === 0 ? {} : { mark: value }));
  const tos = fc.constantFrom({}, {}, {}, { tos: 0x10 }, { tos: 0x08 }, { tos: 0x28 });
  const strange = (usual: fc.Arbitrary<string>) =>
    of.martians.length === 0
      ? usual
      : fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: fc.constantFrom(...of.martians) });
  const destination = strange(near).filter((to) => !to.startsWith('224.') && !to.startsWith('255.'));
  const input = fc
    .tuple(destination, strange(near), link, marked, protocol, tos)
    .map(([to, from, iif, m, p, s]) => ({ to, from, iif, ...m, ...p, ...s }));
  const source = fc.constantFrom(undefined, ...(of.family === 6 ? [...bare, ...of.foreign] : bare));
  const output = fc
    .tuple(near, source, marked, protocol, tos)
    .map(([to, from, m, p, s]) => ({ to, ...(from ? { from } : {}), ...m, ...p, ...s }));
  return fc.oneof({ weight: 3, arbitrary: input }, { weight: 2, arbitrary: output });
}

/** Without it fast-check prefers short lists. */
const many = { size: 'max' } as const;

interface Half {
  commands: string[];
  questions: RouteQuestion[];
}

function half(of: Numbers, rules: number, questions: number): fc.Arbitrary<Half> {
  return addresses(of).chain((given) => {
    const own = given.map((line) => line.split(' ')[2] ?? '');
    const inTable = rules === 0 ? kernelTable : table;
    const routes = fc.array(route(of, inTable), { ...many, maxLength: 40 });
    const policy = fc.array(rule(of), { ...many, maxLength: rules });
    const asked = fc.array(question(of, own), { minLength: questions, maxLength: questions });
    return fc
      .tuple(nextHopObjects(of, inTable), routes, policy, upheaval, asked)
      .map(([n, r, p, u, q]) => ({ commands: [...given, ...n, ...r, ...p, ...(rules === 0 ? [] : u)], questions: q }));
  });
}

const cut = fc.constantFrom(false, false, false, true);

/** One host; `questions` for each family. Every fourth has the kernel's own rules alone, for which it has a way of its own. */
export function randomHost(questions: number): fc.Arbitrary<RandomHost> {
  return fc.constantFrom(0, 12, 12, 12).chain((rules) =>
    fc.tuple(half(numbers[4], rules, questions), half(numbers[6], rules, questions), sysctls, cut).map(([four, six, values, cut]) => ({
      cut,
      sysctls: values,
      commands: { 4: four.commands, 6: six.commands },
      questions: [...four.questions, ...six.questions],
    })),
  );
}
