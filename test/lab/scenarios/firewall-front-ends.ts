import { client, markArguments } from '../article.js';
import { ownMounts, startFirewalld, startUfw } from '../firewall-managers.js';
import type { Change } from '../lab.js';
import { markRules } from '../parts.js';
import { type Fault, fault, type Oddity } from './scenario.js';

/* Hosts whose firewall is run by firewalld or ufw, on the article's topology. */

const withFirewalld = (host: string, ...settings: readonly string[]): Change[] => [
  { host, run: ownMounts },
  { host, run: startFirewalld(...settings) },
];

const byIptables = 'FirewallBackend=iptables';
/** Else it drops replies of IPv6: the way back to their source, looked up with their mark, leads to nginx. */
const anyWayBack = 'IPv6_rpfilter=no';

/** firewalld empties the tables of iptables as it starts, so what marks replies comes afterwards. */
const firewalldOnProxy = (...settings: readonly string[]): Change[] => [
  ...withFirewalld('proxy', anyWayBack, ...settings),
  { host: 'proxy', run: markRules(markArguments) },
];

/** What marks replies, but those of some service, as firewalld keeps it over its reloads. */
export const marksByFirewalld = (lacking?: keyof typeof markArguments): Change => ({
  host: 'proxy',
  run: Object.entries(markArguments)
    .filter(([service]) => service !== lacking)
    .map(([service, rule]) => `${service === 'http6' ? 'ipv6' : 'ipv4'} mangle ${rule.replace('PREROUTING', 'PREROUTING 0')}`)
    .map((rule) => `firewall-cmd --permanent --direct --add-rule ${rule}`)
    .join('\n'),
});

const withUfw = (host: string, ...rules: readonly string[]): Change[] => [
  { host, run: ownMounts },
  { host, run: startUfw(...rules) },
];

const services = ['80/tcp', '9000/tcp', '53/udp', '5300/udp'];
const but = (closed?: string): string[] => services.filter((port) => port !== closed);
const open = (closed?: string): string =>
  but(closed)
    .map((port) => `--add-port=${port}`)
    .join(' ');
const allow = (closed?: string): string[] => but(closed).map((port) => `allow ${port}`);

/** What comes from upstreams passes, whatever it is addressed to. */
const trustUpstreams = '--zone=trusted --add-interface=eth1';
const routeReplies = 'route allow proto udp from 172.16.0.0/28 port 53';

const marked = ['http', 'http6', 'tcp', 'udp5300'];

export const frontEndFaults: readonly Fault[] = [
  fault(
    'proxy/firewall-drops-client',
    'proxy',
    ['http', 'http6'],
    firewalldOnProxy(open('80/tcp'), trustUpstreams),
    "firewalld's zone rejects it",
  ),
  fault(
    'proxy/firewall-drops-reply',
    'proxy',
    ['http6'],
    [...withFirewalld('proxy', open(), trustUpstreams), { host: 'proxy', run: markRules(markArguments) }],
    "firewalld's IPv6_rpfilter",
  ),
  fault('dsr/firewall-drops-reply', 'proxy', ['dns'], firewalldOnProxy(open()), 'firewalld forwards nothing between its zones'),
  fault('dsr/firewall-drops-reply', 'proxy', ['dns'], firewalldOnProxy(byIptables, open()), 'firewalld by iptables forwards nothing'),
  fault(
    'proxy/masquerade-hides-client',
    'proxy',
    ['http', 'tcp', 'dns', 'udp5300'],
    firewalldOnProxy(open(), '--add-masquerade', '--add-forward', '--add-interface=eth0', '--add-interface=eth1'),
    "firewalld's zone of both links masquerades",
  ),
  fault('upstream/firewall-drops-request', 'dev1', ['http', 'http6'], withFirewalld('dev1', open('80/tcp')), "firewalld's zone rejects it"),
  fault(
    'upstream/firewall-drops-request',
    'dev2',
    ['tcp'],
    withFirewalld(
      'dev2',
      open(),
      `--add-rich-rule='rule family="ipv4" source address="192.168.99.0/24" port port="9000" protocol="tcp" reject'`,
    ),
    'a rich rule of firewalld rejects it',
  ),
  fault(
    'proxy/mark-rule-missing',
    'proxy',
    marked,
    [...firewalldOnProxy(open(), trustUpstreams), { host: 'proxy', run: 'firewall-cmd --reload' }],
    'a reload of firewalld took the rules',
  ),
  fault(
    'proxy/mark-rule-missing',
    'proxy',
    marked,
    withFirewalld('proxy', open(), trustUpstreams),
    'the start of firewalld took the rules, and its IPv6_rpfilter would drop what is marked before it',
  ),
  fault(
    'proxy/mark-rule-missing',
    'proxy',
    ['http'],
    [...firewalldOnProxy(open(), trustUpstreams), marksByFirewalld('http'), { host: 'proxy', run: 'firewall-cmd --reload' }],
    "firewalld's direct rules lack a service",
  ),

  fault('proxy/firewall-drops-client', 'proxy', ['tcp'], withUfw('proxy', ...allow('9000/tcp'), routeReplies), 'ufw does not allow it'),
  fault('dsr/firewall-drops-reply', 'proxy', ['dns'], withUfw('proxy', ...allow()), 'ufw routes nothing'),
  fault('upstream/firewall-drops-request', 'dev3', ['udp5300'], withUfw('dev3', ...allow('5300/udp')), 'ufw does not allow it'),
  fault(
    'upstream/firewall-drops-request',
    'dev4',
    ['tcp'],
    withUfw('dev4', `reject proto tcp from ${client.address}/24 to any port 9000`, ...allow()),
    'ufw rejects it before it would allow it',
  ),
  fault(
    'proxy/mark-rule-missing',
    'proxy',
    marked,
    [...withUfw('proxy', ...allow(), routeReplies), { host: 'proxy', run: 'iptables-nft -t mangle -F\nip6tables-nft -t mangle -F' }],
    'with ufw',
  ),
];

export const frontEndOddities: readonly Oddity[] = [
  {
    name: "firewalld on nginx's host and an upstream with the services open",
    changes: [...firewalldOnProxy(open(), trustUpstreams), ...withFirewalld('dev1', open())],
  },
  {
    name: "firewalld by iptables on nginx's host and an upstream with the services open",
    changes: [...firewalldOnProxy(byIptables, open(), trustUpstreams), ...withFirewalld('dev1', byIptables, open())],
  },
  {
    name: "ufw on nginx's host and an upstream with the services allowed",
    changes: [...withUfw('proxy', ...allow(), routeReplies), ...withUfw('dev1', ...allow())],
  },
];
