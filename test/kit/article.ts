import { buildCase, type CaseOptions } from '../../src/engine/case.js';
import { parseIptablesSave } from '../../src/facts/netfilter/iptables-save.js';
import type { Case, Facts, NginxMaster, PolicyRule, ProcessStatus, Route, Snapshot, Socket, TcFilter } from '../../src/types.js';
import { makeHost, now } from './host.js';

/*
 * The setup of the NGINX article as snapshots in memory: one client, nginx on two segments, four upstreams whose gateway it is.
 * http on 80 over both families and UDP on 5300 by method 1, DNS on 53 by Direct Server Return with router NAT (tc) on nginx's host.
 * All of it works; `change` breaks what a test is about (see change.ts).
 */

export const client = '192.168.99.50';
export const client6 = 'fd00:99::50';
export const vip = '192.168.99.10';
export const upstreams = ['dev1', 'dev2', 'dev3', 'dev4'] as const;
export const addressOf = (name: (typeof upstreams)[number]): string => `172.16.0.1${name.slice(3)}`;
export const masterPid = 700;
export const configFile = '/etc/nginx/nginx.conf';

/** Snapshots by host name, to be changed in place. */
export type Hosts = Map<string, Snapshot>;
export type Change = (hosts: Hosts) => void;

export interface ArticleOptions extends Partial<CaseOptions> {
  /** What is done to the healthy snapshots before the case is built. */
  change?: Change | readonly Change[];
}

/** The article's case, broken as asked. Clients are found from the facts unless they are named. */
export function articleCase({ change = [], clients = [], roles = new Map(), ...rest }: ArticleOptions = {}): Case {
  return buildCase(articleSnapshots(change), { clients, roles, ...rest });
}

export function articleSnapshots(change: Change | readonly Change[] = []): Hosts {
  const hosts: Hosts = new Map([clientHost(), proxyHost(), ...upstreams.map(upstreamHost)].map((snapshot) => [snapshot.host, snapshot]));
  for (const apply of [change].flat()) apply(hosts);
  return hosts;
}

function clientHost(): Snapshot {
  return makeHost({ name: 'client', links: { eth0: [`${client}/24`, `${client6}/64`] } });
}

const servers = (port: number) => upstreams.map((name) => `        server ${addressOf(name)}:${port};`).join('\n');
const servers6 = upstreams.map((name) => `        server [fd00:16::1${name.slice(3)}]:80;`).join('\n');

/** nginx.conf of the proxy; tests change it with `editConfig`. */
export const config = `user www-data;
worker_processes 1;
events { worker_connections 512; }
http {
    upstream web {
${servers(80)}
    }
    upstream web6 {
${servers6}
    }
    server {
        listen 80;
        location / {
            proxy_bind $remote_addr transparent;
            proxy_pass http://web;
        }
    }
    server {
        listen [::]:80;
        location / {
            proxy_bind $remote_addr transparent;
            proxy_pass http://web6;
        }
    }
}
stream {
    upstream names {
${servers(53)}
    }
    upstream names_method1 {
${servers(5300)}
    }
    server {
        listen 53 udp;
        proxy_bind $remote_addr:$remote_port transparent;
        proxy_responses 0;
        proxy_timeout 1s;
        proxy_pass names;
    }
    server {
        listen 5300 udp;
        proxy_bind $remote_addr transparent;
        proxy_responses 1;
        proxy_timeout 2s;
        proxy_pass names_method1;
    }
}
`;

/** `iptables-save` and `ip6tables-save` of the proxy. */
export const mangle4 = [
  '-A PREROUTING -s 172.16.0.0/28 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
  '-A PREROUTING -s 172.16.0.0/28 -p udp -m udp --sport 5300 -j MARK --set-xmark 0x1/0xffffffff',
];
const mangle6 = ['-A PREROUTING -s fd00:16::/64 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff'];

/** One table in the form of iptables-save; chains that the rules do not name have policy ACCEPT. */
export function iptablesTable(name: string, rules: readonly string[], policies: Readonly<Record<string, string>> = {}): string {
  const chains = name === 'nat' ? ['PREROUTING', 'POSTROUTING'] : ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
  const used = name === 'filter' ? chains.slice(1, 4) : chains;
  return [`*${name}`, ...used.map((chain) => `:${chain} ${policies[chain] ?? 'ACCEPT'} [0:0]`), ...rules, 'COMMIT', ''].join('\n');
}

export const parseIptables = (text: string, family: 4 | 6 = 4) => parseIptablesSave(text, { source: 'iptables-nft', family });

const status = (pid: number, parent: number, change: Partial<ProcessStatus> = {}): ProcessStatus => ({
  pid,
  parent,
  uid: 0,
  gid: 0,
  effectiveCapabilities: '000001ffffffffff',
  permittedCapabilities: '000001ffffffffff',
  boundingCapabilities: '000001ffffffffff',
  noNewPrivileges: false,
  startedAt: now - 3600,
  ...change,
});

const master: NginxMaster = {
  ...status(masterPid, 1),
  commandLine: 'nginx -g daemon on;',
  executable: '/usr/sbin/nginx',
  workingDirectory: '/',
  prefix: '/usr/share/nginx/',
  configFile,
  root: '',
  version: '1.22.1',
  configureArguments: '--with-stream',
  workers: [
    status(masterPid + 1, masterPid, {
      uid: 33,
      gid: 33,
      effectiveCapabilities: '0000000000002000',
      permittedCapabilities: '0000000000002000',
    }),
  ],
};

const listening = (protocol: 'tcp' | 'udp', localAddress: string, localPort: number): Socket => ({
  protocol,
  state: protocol === 'tcp' ? 'LISTEN' : 'UNCONN',
  localAddress,
  localPort,
});

const homeRules: readonly PolicyRule[] = ([4, 6] as const).map((family) => ({
  family,
  priority: 32_765,
  mark: 1,
  action: 'table',
  table: '100',
}));
const homeRoutes: readonly Route[] = ([4, 6] as const).map((family) => ({
  family,
  type: 'local',
  to: family === 4 ? '0.0.0.0/0' : '::/0',
  table: '100',
  nextHops: [{ link: 'lo' }],
  metric: 0,
}));

/** `tc filter add dev eth0 parent 10: … match ip src UPSTREAM match ip sport 53 0xffff action nat egress UPSTREAM VIP`. */
export const rewriteFilter = (upstream: string, change: Partial<TcFilter> = {}): TcFilter => ({
  link: 'eth0',
  parent: '10:',
  protocol: 'ip',
  priority: 10,
  kind: 'u32',
  match: { source: upstream, sourcePort: { value: 53, mask: 0xffff } },
  actions: [{ kind: 'nat', direction: 'egress', old: `${upstream}/32`, new: vip }],
  text: `u32 match ip src ${upstream} match ip sport 53 0xffff action nat egress ${upstream} ${vip}`,
  ...change,
});

function proxyHost(): Snapshot {
  const links = { eth0: [`${vip}/24`, 'fd00:99::10/64'], eth1: ['172.16.0.1/28', 'fd00:16::1/64'] };
  const bare = makeHost({ name: 'proxy', links });
  const base = <N extends 'policyRules' | 'routes'>(name: N) => (bare.facts[name]?.ok ? bare.facts[name].value : []);
  const facts: Partial<Facts> = {
    policyRules: [...(base('policyRules') as readonly PolicyRule[]), ...homeRules],
    routes: [...(base('routes') as readonly Route[]), ...homeRoutes],
    // Replies of DNS on 53 are forwarded; early demux would attach some of them to nginx's spoofed sockets and lose them.
    sysctls: {
      'net/ipv4/ip_forward': '1',
      'net/ipv4/conf/all/forwarding': '1',
      'net/ipv4/conf/eth0/forwarding': '1',
      'net/ipv4/conf/eth1/forwarding': '1',
      'net/ipv6/conf/all/forwarding': '1',
      'net/ipv4/udp_early_demux': '0',
    },
    iptablesNft: [...parseIptables(iptablesTable('mangle', mangle4)), ...parseIptables(iptablesTable('mangle', mangle6), 6)],
    trafficControl: {
      qdiscs: [{ link: 'eth0', kind: 'htb', handle: '10:' }],
      filters: upstreams.map((name) => rewriteFilter(addressOf(name))),
    },
    sockets: [
      listening('tcp', '0.0.0.0', 80),
      listening('tcp', '::', 80),
      listening('udp', '0.0.0.0', 53),
      listening('udp', '0.0.0.0', 5300),
    ],
    nginx: { masters: [master], elsewhere: [] },
    nginxConfig: [
      {
        master: masterPid,
        main: configFile,
        prefix: '/usr/share/nginx/',
        base: '/etc/nginx',
        files: { [configFile]: { ok: true, text: config, modifiedAt: now - 7200 } },
        globs: {},
      },
    ],
    pings: [client, ...upstreams.map(addressOf)].map((to) => ({ to, ok: true, text: '1 packets transmitted, 1 received' })),
  };
  return makeHost({ name: 'proxy', links, facts });
}

function upstreamHost(name: (typeof upstreams)[number]): Snapshot {
  const address = addressOf(name);
  return makeHost({
    name,
    links: { eth0: [`${address}/28`, `fd00:16::1${name.slice(3)}/64`] },
    gateways: ['172.16.0.1', 'fd00:16::1'],
    facts: {
      sockets: [
        listening('tcp', '0.0.0.0', 80),
        listening('tcp', '::', 80),
        listening('udp', address, 53),
        listening('udp', address, 5300),
      ],
    },
  });
}
