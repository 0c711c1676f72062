import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { differ, readCounters } from '../../src/capture/counters.js';
import { openHost } from '../../src/host/target.js';
import type { CounterDelta } from '../../src/types.js';

/* Two real hosts: one sends, and the other's counters are read. */

const [from, to] = [`ctra${process.pid}`, `ctrb${process.pid}`];
const host = openHost({ kind: 'netns', name: to });
const own = '10.78.0.65';

const run = (script: string, namespace = to) =>
  execFileSync('nsenter', [`--net=/run/netns/${namespace}`, 'sh', '-ec', script], { encoding: 'utf8' });

beforeAll(() => {
  for (const name of [from, to]) execFileSync('ip', ['netns', 'add', name]);
  // IPv6 speaks unasked.
  for (const name of [from, to]) run('echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6', name);
  run(`ip link add out type veth peer name in address 02:00:00:00:00:65 netns ${to}; ip link set lo up; ip link set out up`, from);
  run(`ip link set lo up; ip link set in up; ip address add ${own}/24 dev in`);
  // By a second address the sender passes for a host elsewhere, and from port 5400 for the receiver itself.
  run(`for a in 10.78.0.1/24 203.0.113.9/32; do ip address add $a dev out; done`, from);
  run(`ip route add 198.51.100.0/24 via ${own}`, from);
  run(`ip neighbour add ${own} lladdr 02:00:00:00:00:65 dev out`, from);
  run(`nft 'table ip tp { chain out { type filter hook postrouting priority 0; udp sport 5400 ip saddr set ${own}; }; }'`, from);
  run('ip route add 203.0.113.9 dev lo; echo 0 > /proc/sys/net/ipv4/icmp_ratelimit');
});
afterAll(() => {
  for (const name of [from, to]) execFileSync('ip', ['netns', 'delete', name]);
});

const sender = `
const [source, port, destination, count] = process.argv.slice(1);
const socket = require('node:dgram').createSocket('udp4');
socket.on('error', (error) => { console.error(error.message); process.exit(1); });
socket.bind(Number(port), source, async () => {
  for (let i = 0; i < Number(count); i++) await new Promise((done) => socket.send('x', 5353, destination, done));
  socket.close();
});
`;

const send = (count: number, { source = '10.78.0.1', destination = own, port = 5353 } = {}): void => {
  const words = [process.execPath, '-e', sender, source, String(port), destination, String(count)];
  execFileSync('nsenter', [`--net=/run/netns/${from}`, ...words]);
};

/** What moved meanwhile. */
async function during(act: () => void): Promise<CounterDelta[]> {
  const before = await readCounters(host, 'receiver');
  act();
  const after = await readCounters(host, 'receiver');
  expect([...before.unread, ...after.unread]).toEqual([]);
  return differ(before, after);
}

const deltaOf = (deltas: readonly CounterDelta[], name: string) => deltas.find((delta) => delta.name === name)?.delta;

const emptyRules = '*mangle\nCOMMIT\n*filter\n:INPUT ACCEPT\nCOMMIT\n';
beforeEach(() => {
  run('for f in all in; do echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; done; echo 0 > /proc/sys/net/ipv4/ip_forward');
  // Answers would arrive while counters are read: none is sent for what no port takes.
  run('nft flush ruleset');
});

test('a datagram for a port that nobody has moves UdpNoPorts, and the refusal IcmpOutDestUnreachs', async () => {
  const deltas = await during(() => send(3));
  expect(deltaOf(deltas, 'UdpNoPorts')).toBe(3);
  expect(deltaOf(deltas, 'IcmpOutDestUnreachs')).toBe(3);
  expect(deltaOf(deltas, 'TcpExtIPReversePathFilter')).toBeUndefined();
  expect(deltaOf(deltas, 'IpInAddrErrors')).toBeUndefined();
});

test('a source whose way back leads elsewhere moves TcpExtIPReversePathFilter alone', async () => {
  run('echo 1 > /proc/sys/net/ipv4/conf/in/rp_filter');
  const deltas = await during(() => send(5, { source: '203.0.113.9' }));
  expect(deltas.find(({ name }) => name === 'TcpExtIPReversePathFilter')).toMatchObject({
    delta: 5,
    source: '/proc/net/netstat',
    host: 'receiver',
  });
  expect(deltaOf(deltas, 'UdpNoPorts')).toBeUndefined();
});

test('a packet for another host, where nothing is forwarded, moves IpInAddrErrors', async () => {
  const deltas = await during(() => send(4, { destination: '198.51.100.7' }));
  expect(deltaOf(deltas, 'IpInAddrErrors')).toBe(4);
});

test('a forwarded packet moves IpForwDatagrams', async () => {
  run('echo 1 > /proc/sys/net/ipv4/ip_forward; ip link add far type veth peer name beyond; ip link set beyond up; ip link set far up');
  run('ip route add 198.51.100.128/25 dev far; ip neighbour add 198.51.100.200 lladdr 02:00:00:00:00:01 dev far');
  const deltas = await during(() => send(2, { destination: '198.51.100.200' }));
  expect(deltaOf(deltas, 'IpForwDatagrams')).toBe(2);
});

test("a packet with the host's own address as source moves in_martian_src, and nothing else tells of it", async () => {
  const deltas = await during(() => send(6, { port: 5400 }));
  const martian = deltas.find(({ name }) => name === 'in_martian_src');
  // Counted for the whole machine: other namespaces may add to it.
  expect(martian?.delta).toBeGreaterThanOrEqual(6);
  expect(martian?.scope).toBe('machine');
  expect(deltaOf(deltas, 'TcpExtIPReversePathFilter')).toBeUndefined();
  expect(deltaOf(deltas, 'IpInAddrErrors')).toBeUndefined();
});

test.each(['iptables-legacy', 'iptables-nft'] as const)(
  'a rule of %s tells how often it matched, one that never did says 0',
  async (tool) => {
    const add = (port: number) => `${tool} -t mangle -A PREROUTING -p udp -m udp --sport ${port} -j MARK --set-xmark 0x1/0xffffffff`;
    run(`${add(5353)}; ${add(5354)}; ${tool} -A INPUT -i lo -j ACCEPT; ${tool} -P INPUT DROP`);
    const deltas = await during(() => send(7));
    const rules = deltas.filter(({ source }) => source.includes('chain'));
    const save = tool === 'iptables-legacy' ? 'iptables-legacy-save' : 'iptables-save';
    expect(rules).toHaveLength(4);
    for (const [name, delta, place] of [
      ['-A PREROUTING -p udp -m udp --sport 5353 -j MARK --set-xmark 0x1/0xffffffff', 7, 'mangle, chain PREROUTING'],
      ['-A PREROUTING -p udp -m udp --sport 5354 -j MARK --set-xmark 0x1/0xffffffff', 0, 'mangle, chain PREROUTING'],
      ['-A INPUT -i lo -j ACCEPT', 0, 'filter, chain INPUT'],
      ['policy drop', 7, 'filter, chain INPUT'],
    ] as const)
      expect(rules).toContainEqual({ host: 'receiver', name, delta, source: `${save} -t ${place}` });
    if (tool === 'iptables-legacy') execFileSync('nsenter', [`--net=/run/netns/${to}`, 'iptables-legacy-restore'], { input: emptyRules });
  },
);

test('a rule of nft with a counter tells how often it matched, one that was replaced meanwhile tells nothing', async () => {
  const chain = 'type filter hook prerouting priority mangle;';
  run(
    `nft 'table ip tp { chain marks { ${chain} udp sport 5353 counter meta mark set 1; udp sport 5354 counter meta mark set 1; udp sport 5355 meta mark set 1; }; }'`,
  );
  const deltas = await during(() => send(3));
  const source = 'nft list chain ip tp marks';
  expect(deltas.filter((delta) => delta.source === source)).toEqual([
    { host: 'receiver', name: 'udp sport 5353 meta mark set 0x1', delta: 3, source },
    { host: 'receiver', name: 'udp sport 5354 meta mark set 0x1', delta: 0, source },
  ]);
  const replaced = await during(() => {
    run('nft flush chain ip tp marks; nft add rule ip tp marks udp sport 5353 counter meta mark set 1');
    send(3);
  });
  expect(replaced.filter((delta) => delta.source === source)).toEqual([]);
});

test('a queueing discipline tells what it dropped, and a filter what it took', async () => {
  run('tc qdisc add dev in clsact; tc qdisc add dev in root handle 10: tbf rate 8kbit burst 100 limit 100');
  run('tc filter add dev in ingress protocol ip prio 5 u32 match ip sport 5353 0xffff action mirred egress mirror dev lo');
  const deltas = await during(() => send(8));
  const filter = deltas.find(({ source }) => source === 'tc filter show dev in ingress');
  expect(filter).toMatchObject({ delta: 8 });
  expect(filter?.name).toContain('match ip sport 5353');
  expect(deltaOf(deltas, 'in qdisc tbf 10: dropped')).toBeGreaterThan(0);
  run('tc qdisc del dev in clsact; tc qdisc del dev in root');
});

test('reading alone moves no counter but those of the traffic that there is anyway, and adds no table', async () => {
  const tables = () =>
    run('cat /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>/dev/null || true; nft list tables; lsmod 2>/dev/null || true');
  const before = tables();
  // Others may move what is counted for the whole machine.
  expect((await during(() => undefined)).filter(({ scope }) => scope !== 'machine')).toEqual([]);
  expect(tables()).toBe(before);
});
