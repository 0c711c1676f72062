import { expect, test } from 'vitest';
import { parseStarted, pathsIn, read } from '../../src/facts/boot-configuration.js';
import type { BootConfiguration, Fact } from '../../src/types.js';
import { hostWith } from './fixtures.js';

const machine = { '/proc/self/ns/net': 'net:[4026531840]\n', '/proc/1/ns/net': 'net:[4026531840]\n', '/proc/1/comm': 'systemd\n' };
const of = (fact: Fact<BootConfiguration>) => {
  if (!fact.ok) throw new Error(fact.why);
  return fact.value;
};
const prefixed = (path: string, text: string) =>
  text
    .split('\n')
    .map((line) => `${path}:${line}`)
    .join('\n');

test('a namespace of its own, and a container, are configured by no file', async () => {
  const other = await read(hostWith({ ...machine, '/proc/self/ns/net': 'net:[4026532000]\n' }));
  const container = await read(hostWith({ ...machine, '/proc/1/comm': 'nginx\n' }));
  const hidden = await read(hostWith({ '/proc/self/ns/net': 'net:[1]\n', '/proc/1/comm': 'systemd\n' }));
  expect([other.ok, container.ok, hidden.ok]).toEqual([false, false, false]);
});

test('saved rules keep their line numbers; comments and rules that end a packet are left out', async () => {
  const saved =
    '# Generated\n*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -j ACCEPT\n-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT';
  const boot = of(await read(hostWith({ ...machine, '/etc/iptables/rules*': prefixed('/etc/iptables/rules.v4', saved) })));
  expect(boot.files).toEqual([
    {
      path: '/etc/iptables/rules.v4',
      kind: 'iptables-save',
      lines: [
        { line: 2, text: '*mangle' },
        { line: 3, text: ':PREROUTING ACCEPT [0:0]' },
        { line: 5, text: '-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff' },
        { line: 6, text: 'COMMIT' },
      ],
    },
  ]);
});

test("a unit's script is read, and the rules that the script names", async () => {
  const boot = of(
    await read(
      hostWith({
        ...machine,
        '/etc/systemd/system/*.wants/*.service':
          '/etc/systemd/system/multi-user.target.wants/tp.service:ExecStart=/usr/bin/env sh /usr/local/sbin/tp.sh up\n',
        '/usr/local/sbin/tp.sh': '/usr/local/sbin/tp.sh:nft -f /opt/tp/rules.nft\n/usr/local/sbin/tp.sh:ip rule add fwmark 1 lookup 100',
        '/opt/tp/rules.nft': '/opt/tp/rules.nft:table ip tp {\n/opt/tp/rules.nft:}\n',
      }),
    ),
  );
  expect(boot.files.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
    'unit /etc/systemd/system/multi-user.target.wants/tp.service',
    'script /usr/local/sbin/tp.sh',
    'nft /opt/tp/rules.nft',
  ]);
});

test('what may not be read makes the fact incomplete', async () => {
  const host = hostWith(machine);
  const boot = of(
    await read(async (query) =>
      'grep' in query && query.in === '/etc/netplan/*.yaml'
        ? { ok: false, why: 'grep: /etc/netplan/01.yaml: Permission denied' }
        : host(query),
    ),
  );
  expect(boot.incomplete).toContain('/etc/netplan/01.yaml');
});

test('the lines of endless files are bounded', async () => {
  const line = '/etc/ufw/before.rules:-A ufw-before-input -j MARK --set-mark 1\n';
  const boot = of(await read(hostWith({ ...machine, '/etc/ufw/*.rules': line.repeat(10_000) })));
  expect(boot.files.flatMap(({ lines }) => lines)).toHaveLength(6000);
  expect(boot.incomplete).toBeDefined();
});

test('links of every init system tell what is started', () => {
  const links = [
    '/etc/systemd/system/sysinit.target.wants/nftables.service',
    '/etc/rc2.d/S01netfilter-persistent',
    '/etc/runlevels/boot/networking',
    '',
  ];
  expect(parseStarted(links.join('\n'))).toEqual(['netfilter-persistent', 'networking', 'nftables']);
});

test('files of the system itself are not followed', () => {
  expect(pathsIn('ExecStart=/usr/sbin/nft -f /etc/nft/tp.nft; /opt/x/y.sh >/dev/null $HOME/bin/a')).toEqual([
    '/etc/nft/tp.nft',
    '/opt/x/y.sh',
  ]);
});

test('arguments of programs that change no network state stay on the host; scripts among the programs of the system are read where the unit is one of the administrator', async () => {
  const pattern = '/etc/systemd/system/*.service';
  const boot = of(
    await read(
      hostWith({
        ...machine,
        [pattern]:
          '/etc/systemd/system/x.service:ExecStart=/usr/bin/tp-up --token=abc\n/etc/systemd/system/y.service:ExecStart=/sbin/ip rule add fwmark 1\n',
        '/usr/bin/tp-up': '/usr/bin/tp-up:ip route add local default dev lo table 100\n',
      }),
    ),
  );
  expect(boot.files.flatMap(({ lines }) => lines.map(({ text }) => text))).toEqual([
    'ExecStart=/usr/bin/tp-up',
    'ExecStart=/sbin/ip rule add fwmark 1',
    'ip route add local default dev lo table 100',
  ]);
});
