import type { Diagnosis, Finding, Report } from '../../src/types.js';

const base: Report = {
  schema: 'tpdoctor.report/1',
  tool: { name: 'tpdoctor', version: '0.1.0' },
  command: 'check',
  startedAt: '2026-02-03T02:14:07.000Z',
  tookMs: 1480,
  verdict: 'healthy',
  hosts: [
    { name: 'client1', target: 'netns:client1', roles: ['client'], reached: true },
    { name: 'proxy', target: 'netns:proxy', roles: ['proxy', 'router'], reached: true },
    { name: 'app1', target: 'netns:app1', roles: ['upstream'], reached: true },
    { name: 'app2', target: 'netns:app2', roles: ['upstream'], reached: true },
  ],
  services: [
    {
      id: 'http:81/',
      host: 'proxy',
      protocol: 'http',
      listen: ['0.0.0.0:81'],
      upstreams: ['172.16.0.11:80', '172.16.0.12:80'],
      mode: 'transparent',
      at: { file: '/etc/nginx/conf.d/shop.conf', line: 14 },
    },
  ],
  diagnoses: [],
  notExamined: [],
  findings: [],
};

const dns: Report['services'][number] = {
  id: 'udp:53',
  host: 'proxy',
  protocol: 'udp',
  listen: ['192.168.99.10:53', '[2001:db8:99::10]:53'],
  upstreams: ['172.16.0.11:53', '172.16.0.12:53'],
  mode: 'dsr-router-nat',
  at: { file: '/etc/nginx/stream.d/dns.conf', line: 9 },
};

function found(status: Finding['status'], host: string, check: string, message: string, more: Partial<Finding> = {}): Finding {
  return { status, host, check, message, ...more };
}

const passes: Finding[] = [
  found('pass', 'proxy', 'nginx/worker-may-bind', 'worker 4312 has CAP_NET_RAW', {
    evidence: [{ host: 'proxy', what: 'CapEff: 0000000000002000', source: '/proc/4312/status' }],
  }),
  found('pass', 'proxy', 'nginx/config-is-loaded', 'no file changed after the workers started'),
  found('pass', 'proxy', 'routing/replies-taken-in', 'mark 0x1 leads to table 100, whose route is local'),
  found('pass', 'proxy', 'firewall/replies-marked', 'mangle PREROUTING marks 172.16.0.0/28 sport 80'),
  found('pass', 'app1', 'routing/way-back', '203.0.113.7 leaves via 172.16.0.1'),
  found('pass', 'app1', 'sockets/listening', '0.0.0.0:80 is open'),
  found('pass', 'app2', 'routing/way-back', '203.0.113.7 leaves via 172.16.0.1'),
  found('pass', 'app2', 'sockets/listening', '0.0.0.0:80 is open'),
];

export const healthy: Report = { ...base, findings: passes, services: [...base.services, dns] };

const policyRule: Diagnosis = {
  cause: 'proxy/policy-rule-missing',
  host: 'proxy',
  services: ['http:81/'],
  severity: 'fault',
  certainty: 'consistent',
  summary: "proxy marks the upstreams' replies but has no ip rule for the mark, so they are not handed to nginx (http:81/)",
  steps: [
    'nginx on proxy connects to 172.16.0.11:80 under the address of the client, 203.0.113.7',
    'app1 answers to 203.0.113.7 and its route leads to proxy, as it must',
    'the reply carries mark 0x1, and no ip rule selects it',
    'so proxy looks 203.0.113.7 up in table main and would forward the reply to the client, which resets the connection it never opened',
  ],
  evidence: [
    {
      host: 'proxy',
      what: '-A PREROUTING -s 172.16.0.0/28 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
      source: 'iptables-nft-save, mangle',
    },
    {
      host: 'proxy',
      what: '203.0.113.7 from 172.16.0.11 via 192.168.99.1 dev eth0 mark 0x1',
      source: 'ip route get 203.0.113.7 from 172.16.0.11 iif eth1 mark 0x1',
    },
    {
      host: 'proxy',
      what: "23× in nginx's error log since its workers started, last: 2026/02/03 02:13:55 [error] 4312#4312: *118 upstream timed out (110: Connection timed out) while connecting to upstream",
      source: '/var/log/nginx/error.log',
    },
  ],
  explains: ['clients of http:81/ get 504 after 60 s'],
  fix: [
    {
      host: 'proxy',
      kind: 'command',
      run: 'ip rule add fwmark 0x1 lookup 100 priority 32765',
      undo: 'ip rule del fwmark 0x1 lookup 100 priority 32765',
      persist:
        'add the same to the network configuration (post-up in /etc/network/interfaces, [RoutingPolicyRule] of systemd-networkd, nmcli)',
      why: 'marked replies are then looked up in the table with the local route',
    },
  ],
  verify: ['ip route get 203.0.113.7 from 172.16.0.11 iif eth1 mark 0x1   # must say "local"'],
};

const keepalive: Diagnosis = {
  cause: 'nginx/keepalive-mixes-clients',
  host: 'proxy',
  services: ['http:81/'],
  severity: 'fault',
  certainty: 'proven',
  summary:
    'nginx on proxy keeps connections to upstream group shop and reuses them for other clients, whose address is then lost (http:81/)',
  steps: [
    'proxy_bind is per client, but the cache of idle connections ignores the bound address',
    'two idle connections from 203.0.113.7 are open while no request of it runs',
  ],
  evidence: [
    { host: 'proxy', what: 'keepalive 32;', source: '/etc/nginx/conf.d/shop.conf:5' },
    { host: 'proxy', what: '203.0.113.7:41822 to 172.16.0.11:80, idle', source: 'ss -tn' },
  ],
  explains: [],
  fix: [
    {
      host: 'proxy',
      kind: 'edit',
      file: '/etc/nginx/conf.d/shop.conf',
      line: 5,
      remove: 'keepalive 32;',
      insert: '',
      why: 'without a cache every request gets a connection of its own; nginx 1.22.1 does not accept keepalive 0',
    },
    {
      host: 'proxy',
      kind: 'edit',
      file: '/etc/nginx/conf.d/shop.conf',
      line: 15,
      remove: null,
      insert: '        proxy_http_version 1.0;',
      why: 'without a cache every request gets a connection of its own; nginx 1.22.1 does not accept keepalive 0',
    },
    {
      host: 'proxy',
      kind: 'command',
      run: '/usr/sbin/nginx -p /usr/share/nginx/ -c /etc/nginx/nginx.conf -s reload',
      why: 'the running workers still have the old configuration',
    },
  ],
  verify: ['ss -tn state established dst 172.16.0.11   # no connection stays after its request'],
};

const demux: Diagnosis = {
  cause: 'dsr/replies-caught-by-early-demux',
  host: 'proxy',
  services: ['udp:53'],
  severity: 'risk',
  certainty: 'possible',
  summary: 'proxy may drop about one DSR reply in ten: early demux attaches replies to nginx’s spoofed socket while it is open (udp:53)',
  steps: ['replies cross proxy, where nginx has sockets with the same addresses', 'net.ipv4.udp_early_demux is 1'],
  evidence: [{ host: 'proxy', what: '1', source: '/proc/sys/net/ipv4/udp_early_demux' }],
  explains: [],
  fix: [
    {
      host: 'proxy',
      kind: 'command',
      run: 'sysctl -w net.ipv4.udp_early_demux=0',
      undo: 'sysctl -w net.ipv4.udp_early_demux=1',
      persist: 'a file in /etc/sysctl.d',
      why: 'replies are then routed before any socket is asked',
    },
  ],
  verify: ['sysctl net.ipv4.udp_early_demux   # must be 0'],
  settle: 'tpdoctor trace --port 53 counts the replies that come in and do not go out',
};

export const faulty: Report = {
  ...base,
  verdict: 'faulty',
  services: [...base.services, dns],
  diagnoses: [policyRule, keepalive, demux],
  findings: [
    ...passes.filter(({ check, host }) => !(host === 'proxy' && check.startsWith('routing/'))),
    found('fail', 'proxy', 'routing/replies-taken-in', 'no ip rule selects mark 0x1', {
      service: 'http:81/',
      evidence: [{ host: 'proxy', what: '0: from all lookup local, 32766: from all lookup main', source: 'ip rule show' }],
    }),
    found('warn', 'app2', 'clock/agrees', 'its clock is 94 s behind that of proxy, so lines of their logs cannot be compared by time'),
    found('unknown', 'app1', 'firewall/admits-clients', 'nft: Operation not permitted'),
    found('skip', 'client1', 'sockets/listening', 'not an upstream'),
  ],
  notExamined: [{ what: 'loss between hosts', why: 'only packets can show it', settle: 'tpdoctor trace --port 81' }],
};

/** Nothing fails, something may. */
export const risky: Report = { ...healthy, diagnoses: [demux] };

export const undetermined: Report = {
  ...base,
  verdict: 'undetermined',
  hosts: [
    { name: 'proxy', target: 'local', roles: ['proxy'], reached: true },
    {
      name: 'app1',
      target: 'netns:app1',
      roles: [],
      reached: false,
      why: 'no network namespace is called app1 (ip netns lists: app2, client1)',
    },
    { name: 'gw', target: '/root/gw.json', roles: ['router'], reached: true },
  ],
  services: [{ ...dns, mode: 'dsr', upstreams: Array.from({ length: 9 }, (_, i) => `172.16.0.${11 + i}:53`) }],
  findings: passes.filter(({ host }) => host === 'proxy'),
  notExamined: [
    { what: 'the way back from 172.16.0.11', why: 'app1 was not reached', settle: 'name it with --host app1=TARGET' },
    ...Array.from({ length: 8 }, (_, i) => ({
      what: `upstream 172.16.0.${12 + i}`,
      why: 'nobody named this host',
      settle: 'name it with --host',
    })),
  ],
};

export const attack = '\x1b[2J\x1b]0;owned\x07\u202egnp.exe\u2069\u009b31m\r\nHEALTHY\u2028\u200b\ud800\x7f';

/** Everything that can come from a host or file says something hostile. */
export const hostile: Report = {
  ...base,
  verdict: 'faulty',
  hosts: [
    { name: 'proxy', target: `file${attack}`, roles: ['proxy'], reached: true },
    { name: 'app1', target: attack, roles: [], reached: false, why: `died ${attack}` },
  ],
  services: [
    { ...dns, id: `http:80/${attack}`, listen: [attack], upstreams: [attack, 'x'.repeat(300)], at: { file: `/etc/${attack}`, line: 1 } },
  ],
  diagnoses: [
    {
      ...keepalive,
      summary: `summary ${attack} ${'long'.repeat(800)}`,
      steps: [attack],
      evidence: [{ host: 'proxy', what: attack, source: attack }],
      explains: [attack],
      fix: [
        { host: 'proxy', kind: 'command', run: `echo '${attack}'`, undo: attack, persist: attack, why: attack },
        { host: 'proxy', kind: 'edit', file: attack, line: 3, remove: attack, insert: attack, why: attack },
      ],
      verify: [attack],
      settle: attack,
    },
  ],
  notExamined: [{ what: attack, why: attack, settle: attack }],
  findings: [found('fail', 'proxy', 'nginx/x', attack, { service: attack, evidence: [{ host: 'proxy', what: attack, source: attack }] })],
};
