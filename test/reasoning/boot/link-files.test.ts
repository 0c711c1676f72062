import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bootCommands } from '../../../src/reasoning/boot/commands.js';
import { matchesGlob } from '../../../src/reasoning/boot/glob.js';
import { connectionFile, type LinkFile, networkdFile } from '../../../src/reasoning/boot/ini-files.js';
import { bringsRoute, bringsRule } from '../../../src/reasoning/boot/ip-words.js';
import { ifcfgFile, interfacesFile, netplanFile } from '../../../src/reasoning/boot/link-files.js';
import { commandsOf } from '../../../src/reasoning/boot/shell-words.js';
import type { BootKind, PolicyRule, Route } from '../../../src/types.js';
import { bootFile } from '../../kit/boot.js';

const marked: PolicyRule = { family: 4, priority: 50, mark: 1, action: 'table', table: '100' };
const home: Route = { family: 4, type: 'local', to: '0.0.0.0/0', table: '100', nextHops: [{ link: 'lo' }], metric: 0 };
const gateway: Route = {
  family: 4,
  type: 'unicast',
  to: '0.0.0.0/0',
  table: 'main',
  nextHops: [{ link: 'eth1', via: '172.16.0.2' }],
  metric: 0,
};

/** Which of the three a file brings. */
function brought({ statements }: LinkFile): string[] {
  const pieces = {
    rule: statements.some((statement) => bringsRule(statement, marked) === 'yes'),
    home: statements.some((statement) => bringsRoute(statement, home) === 'yes'),
    gateway: statements.some((statement) => bringsRoute(statement, gateway) === 'yes'),
  };
  return Object.entries(pieces).flatMap(([name, yes]) => (yes ? [name] : []));
}

const all = ['rule', 'home', 'gateway'];

/** As `netplan generate` 0.106 wrote it. */
const generated = `[Match]
Name=eth1

[Network]
LinkLocalAddressing=ipv6
Address=172.16.0.1/28

[Route]
Destination=0.0.0.0/0
Scope=host
Type=local
Table=100

[Route]
Destination=0.0.0.0/0
Gateway=172.16.0.2

[RoutingPolicyRule]
From=0.0.0.0/0
Table=100
Priority=50
FirewallMark=1
`;

/** What it was generated from. */
const yaml = `network:
  version: 2
  renderer: networkd
  ethernets:
    eth1:
      addresses: [172.16.0.1/28]
      routes:
        - to: 0.0.0.0/0
          type: local
          scope: host
          table: 100
        - to: default
          via: 172.16.0.2
      routing-policy:
        - from: 0.0.0.0/0
          mark: 1
          table: 100
          priority: 50
`;

const keyfile = `[connection]
id=inner
type=ethernet
interface-name=eth1

[ipv4]
address1=172.16.0.1/28,172.16.0.2
method=manual
route1=0.0.0.0/0
route1_options=table=100,type=local
routing-rule1=priority 50 from 0.0.0.0/0 fwmark 0x1 table 100

[ipv6]
method=disabled
`;

describe('every link manager has its own words for the same', () => {
  test.each<[string, LinkFile]>([
    ['systemd-networkd', networkdFile(bootFile('networkd', '/run/systemd/network/10-netplan-eth1.network', generated), ['eth1'])],
    ['netplan', netplanFile(bootFile('netplan', '/etc/netplan/01.yaml', yaml))],
    ['netplan, flow style', netplanFile(bootFile('netplan', '/etc/netplan/01.yaml', flow))],
    ['NetworkManager', connectionFile(bootFile('NetworkManager', '/etc/NetworkManager/system-connections/inner', keyfile), ['eth1'])],
  ])('%s', (_, file) => {
    expect(brought(file)).toEqual(all);
    expect(file.dynamic).toBe(false);
  });

  test('files of network-scripts and of wicked, one for each thing', () => {
    const read = (path: string, text: string) => brought(ifcfgFile(bootFile('ifcfg', path, text)));
    const scripts = '/etc/sysconfig/network-scripts';
    expect(read(`${scripts}/rule-eth1`, 'fwmark 1 table 100 priority 50')).toEqual(['rule']);
    expect(read(`${scripts}/route-eth1`, 'local 0.0.0.0/0 dev lo table 100\ndefault via 172.16.0.2 dev eth1')).toEqual(['home', 'gateway']);
    expect(read(`${scripts}/ifcfg-eth1`, 'DEVICE=eth1\nBOOTPROTO=none\nIPADDR=172.16.0.1\nGATEWAY=172.16.0.2')).toEqual(['gateway']);
    expect(read(`${scripts}/rule6-eth1`, 'fwmark 1 table 100 priority 50')).toEqual([]);
    expect(read('/etc/sysconfig/network/ifrule-eth1', 'ipv4 priority 50 fwmark 1 table 100')).toEqual(['rule']);
    expect(read('/etc/sysconfig/network/ifroute-eth1', 'default 172.16.0.2 - eth1')).toEqual(['gateway']);
    expect(ifcfgFile(bootFile('ifcfg', `${scripts}/ifcfg-eth1`, 'BOOTPROTO="dhcp"')).dynamic).toBe(true);
  });

  test('ifupdown', () => {
    const text = 'auto eth1\niface eth1 inet static\n  address 172.16.0.1/28\n  gateway 172.16.0.2';
    expect(brought(interfacesFile(bootFile('interfaces', '/etc/network/interfaces', text)))).toEqual(['gateway']);
    expect(interfacesFile(bootFile('interfaces', '/etc/network/interfaces', 'iface eth1 inet dhcp')).dynamic).toBe(true);
  });
});

const flow = `network:
  ethernets:
    eth1:
      routes:
      - {to: 0.0.0.0/0, type: local, table: 100}
      - {to: default, via: "172.16.0.2"}
      routing-policy: 
      - {from: 0.0.0.0/0, mark: 1, table: 100, priority: 50}
      addresses:
      - 172.16.0.1/28
`;

describe('what is of no use', () => {
  test('files of links that the host does not have', () => {
    expect(brought(networkdFile(bootFile('networkd', '/etc/systemd/network/x.network', generated), ['ens5']))).toEqual([]);
    expect(brought(connectionFile(bootFile('NetworkManager', '/x', keyfile), ['ens5']))).toEqual([]);
    expect(brought(networkdFile(bootFile('networkd', '/x', generated.replace('Name=eth1', 'Name=en* eth*')), ['eth1']))).toEqual(all);
  });

  test('another mark, another table, another family', () => {
    const networkd = (text: string) => brought(networkdFile(bootFile('networkd', '/x', text), ['eth1']));
    expect(networkd(generated.replace('FirewallMark=1', 'FirewallMark=2'))).toEqual(['home', 'gateway']);
    expect(networkd(generated.replaceAll('Table=100', 'Table=200'))).toEqual(['gateway']);
    expect(networkd(generated.replace('From=0.0.0.0/0', 'Family=ipv6'))).toEqual(['home', 'gateway']);
    expect(networkd(generated.replace('Type=local\n', ''))).toEqual(['rule', 'gateway']);
  });

  test('a rule or route outside its list', () => {
    expect(brought(netplanFile(bootFile('netplan', '/x', yaml.replace('routing-policy:', 'nameservers:'))))).toEqual(['home', 'gateway']);
  });

  test('commands of a link that ifupdown does not bring up by itself', () => {
    const stanza = 'iface eth1 inet static\n  post-up ip rule add fwmark 1 lookup 100';
    const commands = (text: string) => bootCommands([bootFile('interfaces', '/etc/network/interfaces', text)]).length;
    expect([commands(stanza), commands(`auto eth0\n${stanza}`), commands(`allow-hotplug eth1\n${stanza}`)]).toEqual([0, 0, 1]);
    const main = bootFile('interfaces', '/etc/network/interfaces', 'auto eth1\nsource /etc/network/interfaces.d/*');
    expect(bootCommands([main, bootFile('interfaces', '/etc/network/interfaces.d/eth1', stanza)])).toHaveLength(1);
  });
});

describe('hostile text', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', ' ', '"', "'", '\\', ';', '|', '$', '(', '{', '}', '[', ']', '=', '-', ':', '#', '>', '*', '\t'),
  });

  test('no line of a shell makes words that were not there, or throws', () => {
    fc.assert(
      fc.property(text, (line) => {
        for (const word of commandsOf(line).flat()) for (const char of word) expect(line).toContain(char);
      }),
    );
  });

  test('no file of a link manager throws', () => {
    const kinds: readonly BootKind[] = ['networkd', 'NetworkManager', 'netplan', 'ifcfg', 'interfaces'];
    fc.assert(
      fc.property(fc.array(text), fc.constantFrom(...kinds), (lines, kind) => {
        const file = bootFile(kind, '/etc/sysconfig/network-scripts/rule-eth0', lines.join('\n'));
        for (const read of [netplanFile, ifcfgFile, interfacesFile]) expect(read(file).statements).toBeInstanceOf(Array);
        expect(networkdFile(file, ['a']).statements).toBeInstanceOf(Array);
        expect(connectionFile(file, ['a']).statements).toBeInstanceOf(Array);
      }),
    );
  });

  test('a pattern matches what a regular expression of the same meaning does', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    const path = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 });
    fc.assert(
      fc.property(pattern, path, (some, rest) => {
        expect(matchesGlob(some, rest)).toBe(new RegExp(`^${some.replaceAll('*', '.*')}$`).test(rest));
      }),
    );
  });
});
