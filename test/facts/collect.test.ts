import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect } from '../../src/facts/collect.js';
import * as kernelRoutes from '../../src/facts/kernel-routes.js';
import * as pings from '../../src/facts/pings.js';
import { record, replay } from '../../src/host/recording.js';
import { openHost } from '../../src/host/target.js';
import type { FactName, Facts, Host, Snapshot } from '../../src/types.js';

const near = `fa${process.pid}`;
const far = `fb${process.pid}`;
const run = (namespace: string, ...words: string[]) => execFileSync('ip', ['netns', 'exec', namespace, ...words], { encoding: 'utf8' });
const host = openHost({ kind: 'netns', name: near });

function value<N extends FactName>(snapshot: Snapshot, name: N): Facts[N] {
  const fact = snapshot.facts[name];
  if (!fact?.ok) throw new Error(`${name}: ${fact ? fact.why : 'not collected'}`);
  return fact.value;
}

/** Two namespaces joined by a cable; the near one is set up as nginx's host would be. */
beforeAll(() => {
  for (const name of [near, far]) {
    execFileSync('ip', ['netns', 'add', name]);
    run(name, 'ip', 'link', 'set', 'lo', 'up');
    // Duplicate address detection would change addresses by itself for a second.
    run(name, 'sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad');
  }
  execFileSync('ip', ['link', 'add', 'eth0', 'netns', near, 'type', 'veth', 'peer', 'name', 'eth0.100', 'netns', far]);
  run(near, 'ip', 'link', 'set', 'eth0', 'up');
  run(far, 'ip', 'link', 'set', 'eth0.100', 'up');
  run(near, 'ip', 'address', 'add', '192.0.2.1/24', 'dev', 'eth0');
  run(far, 'ip', 'address', 'add', '192.0.2.2/24', 'dev', 'eth0.100');
  run(near, 'ip', 'rule', 'add', 'fwmark', '1', 'lookup', '100');
  run(near, 'ip', 'route', 'add', 'local', '0.0.0.0/0', 'dev', 'lo', 'table', '100');
  run(near, 'sh', '-c', 'echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter; echo 0 >/proc/sys/net/ipv4/udp_early_demux');
  run(far, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/conf/eth0.100/rp_filter; echo 1 >/proc/sys/net/ipv4/ip_forward');
});

afterAll(() => {
  for (const name of [near, far]) execFileSync('ip', ['netns', 'del', name]);
});

describe('collecting from a namespace', () => {
  test('reads what was set there, and not what this machine has', async () => {
    const snapshot = await collect(host, 'near', { local: false });
    expect(
      value(snapshot, 'links')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['eth0', 'lo']);
    expect(value(snapshot, 'addresses')).toContainEqual({
      link: 'eth0',
      family: 4,
      address: '192.0.2.1',
      prefixLength: 24,
      scope: 'global',
    });
    expect(value(snapshot, 'policyRules')).toContainEqual(expect.objectContaining({ mark: 1, table: '100', family: 4 }));
    expect(value(snapshot, 'routes')).toContainEqual(expect.objectContaining({ type: 'local', to: '0.0.0.0/0', table: '100' }));
    expect(value(snapshot, 'sysctls')).toMatchObject({
      'net/ipv4/conf/eth0/rp_filter': '2',
      'net/ipv4/udp_early_demux': '0',
      'net/ipv4/ip_forward': '0',
      'net/ipv6/conf/all/forwarding': '0',
    });
    expect(Math.abs(value(snapshot, 'clock').epochSeconds - Date.now() / 1000)).toBeLessThan(30);
    expect(value(snapshot, 'platform').kernel).toBe(execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim());
    expect(value(snapshot, 'counters')).toMatchObject({
      IpInAddrErrors: 0,
      TcpExtIPReversePathFilter: 0,
      Ip6InAddrErrors: 0,
      UdpNoPorts: 0,
    });
    expect(value(snapshot, 'networkManagers')).toEqual(expect.any(Array));
  });

  test('a link with a dot in its name keeps its sysctls apart', async () => {
    const sysctls = value(await collect(openHost({ kind: 'netns', name: far }), 'far', { local: false }), 'sysctls');
    expect(sysctls).toMatchObject({
      'net/ipv4/conf/eth0.100/rp_filter': '1',
      'net/ipv4/ip_forward': '1',
      'net/ipv4/conf/eth0.100/forwarding': '1',
    });
  });

  test('changes nothing there', async () => {
    const state = () =>
      [
        ['ip', 'rule'],
        ['ip', '-6', 'rule'],
        ['ip', 'route', 'show', 'table', 'all'],
        ['ip', '-o', 'address'],
        ['tc', 'qdisc'],
        ['sh', '-c', 'cat /proc/net/ip_tables_names /proc/modules; grep -sH "" /proc/sys/net/ipv4/conf/*/rp_filter'],
      ].map(([program = '', ...words]) => run(near, 'sh', '-c', '"$@" 2>&1 || true', 'sh', program, ...words));
    const before = state();
    await collect(host, 'near', { local: false });
    expect(state()).toEqual(before);
  });

  test('a counter moves with what it counts', async () => {
    const before = value(await collect(host, 'near', { local: false }), 'counters');
    run(far, 'sh', '-c', 'echo x | timeout 1 bash -c "cat >/dev/udp/192.0.2.1/9"');
    await new Promise((done) => setTimeout(done, 100));
    const after = value(await collect(host, 'near', { local: false }), 'counters');
    expect((after.UdpNoPorts ?? 0) - (before.UdpNoPorts ?? 0)).toBe(1);
  });

  test('a recording of it gives the same facts again', async () => {
    const { host: recorded, recording } = record(host);
    const live = await collect(recorded, 'near', { local: false });
    const again = await collect(replay(JSON.parse(JSON.stringify(recording()))), 'near', { local: false });
    expect(again.facts).toEqual(live.facts);
    expect(Object.values(again.facts).filter(({ ok }) => ok).length).toBeGreaterThan(15);
  });

  test('one reader that has no answer costs its own fact', async () => {
    const deaf: Host = async (query) => ('run' in query && query.run[0] === 'ip' ? { ok: false, why: 'ip: not found' } : host(query));
    const { facts } = await collect(deaf, 'near', { local: false });
    expect([facts.links?.ok, facts.routes?.ok, facts.sysctls?.ok, facts.counters?.ok]).toEqual([false, false, true, true]);
  });

  test('a host that answers nothing, or nonsense, gives no fact and no exception', async () => {
    const silent = await collect(async () => ({ ok: false, why: 'gone' }), 'x', { local: false });
    expect(Object.values(silent.facts).filter(({ ok }) => ok)).toEqual([]);
    const babbling = await collect(async () => ({ ok: true, text: '[{"a":1}]\n\0/:', stderr: '' }), 'x', { local: false });
    const crashes = Object.values(babbling.facts).filter((fact) => !fact.ok && fact.why.includes('own error'));
    expect(crashes).toEqual([]);
  });
});

describe('sockets', () => {
  test('listeners of both families and protocols are seen where they are', async () => {
    const servers = [spawn('ip', ['netns', 'exec', near, process.execPath, '-e', listener], { stdio: ['pipe', 'pipe', 'inherit'] })];
    try {
      await Promise.all(servers.map(({ stdout }) => once(stdout, 'data')));
      const sockets = value(await collect(host, 'near', { local: false }), 'sockets');
      const seen = sockets.map(({ protocol, state, localAddress, localPort }) => `${protocol} ${state} ${localAddress} ${localPort}`);
      expect(seen).toEqual(
        expect.arrayContaining([
          'tcp LISTEN 192.0.2.1 8081',
          'tcp LISTEN :: 8082',
          'tcp LISTEN ::1 8084',
          'udp UNCONN 192.0.2.1 5353',
          'udp UNCONN 0.0.0.0 5354',
        ]),
      );
      // Whether a socket refuses IPv4 is asked only where asking loads no module.
      const refusing = sockets
        .filter(({ localPort }) => localPort === 8082 || localPort === 8083)
        .map(({ localPort, v6only }) => [localPort, v6only]);
      const told = !existsSync('/proc/modules') || ['tcp_diag', 'udp_diag'].every((module) => existsSync(`/sys/module/${module}`));
      expect(refusing.sort()).toEqual([
        [8082, told ? false : undefined],
        [8083, told ? true : undefined],
      ]);
    } finally {
      for (const server of servers) server.kill();
    }
  });
});

/** A program that listens and says so. */
const listener = `
    const net = require('net'), dgram = require('dgram');
    let left = 6;
    const ready = () => { if (--left === 0) console.log('ready'); };
    net.createServer().listen(8081, '192.0.2.1', ready);
    net.createServer().listen(8082, '::', ready);
    net.createServer().listen({ port: 8083, host: '::', ipv6Only: true }, ready);
    net.createServer().listen(8084, '::1', ready);
    dgram.createSocket('udp4').bind(5353, '192.0.2.1', ready);
    dgram.createSocket('udp4').bind(5354, '0.0.0.0', ready);
    process.stdin.resume().on('end', () => process.exit());`;

describe('what a case asks', () => {
  test('the kernel answers with the rules and routes of its own namespace', async () => {
    const asked = await kernelRoutes.ask(host, [
      { to: '198.51.100.7', from: '192.0.2.2', iif: 'eth0', mark: 1 },
      { to: '198.51.100.7', from: '192.0.2.2', iif: 'eth0' },
      { to: '192.0.2.2' },
    ]);
    expect(asked.ok && asked.value.map(({ answer }) => answer)).toEqual([
      { type: 'local', table: '100' },
      { type: 'error', error: 'no-route', text: 'No route to host' },
      { type: 'unicast', link: 'eth0', source: '192.0.2.1' },
    ]);
  });

  test('pings wait for each other no longer than one of them takes, and what is no destination is not pinged', async () => {
    const started = Date.now();
    const asked = await pings.ask(host, [
      '192.0.2.2',
      ...Array.from({ length: 6 }, (_, i) => `192.0.2.${50 + i}`),
      '-f',
      'a b',
      'localhost',
    ]);
    expect(asked.ok && asked.value.map(({ to, ok }) => [to, ok])).toEqual([
      ['192.0.2.2', true],
      ...Array.from({ length: 6 }, (_, i) => [`192.0.2.${50 + i}`, false]),
      ['localhost', true],
    ]);
    expect(Date.now() - started).toBeLessThan(4000);
  });
});
