import type { Change } from '../lab.js';
import { restartNginx } from '../services.js';
import { gatewayInner, ports, proxyConfig, proxyInner, upstreams, vip } from './topology.js';

/** Where the replies go and who rewrites them: nginx's own host, each upstream, or another router. Router NAT is the article's method 2a, origin NAT its 2b. */
export const methods = ['router NAT', 'origin NAT', 'a router of its own'] as const;
export type Method = (typeof methods)[number];

/** Hosts that a method needs. */
export const hostsOf = (method: Method): string[] => [
  'client',
  'proxy',
  ...(method === 'router NAT' ? [] : ['gw']),
  ...upstreams.map(({ name }) => name),
];

export const rootQdisc = (link = 'eth0'): string => `tc qdisc add dev ${link} root handle 10: htb`;

/** tc reads many commands faster than it starts. */
export const batch = (lines: readonly string[]): string => `tc -batch - <<'END'\n${lines.join('\n')}\nEND`;

/** A filter as the article has it. */
export const filter = (address: string, port: number, { to = vip, link = 'eth0', more = '' } = {}): string =>
  `filter add dev ${link} parent 10: protocol ip prio 10 u32 match ip src ${address} match ip sport ${port} 0xffff${more} action nat egress ${address} ${to}`;

const all = upstreams.map(({ address }) => address);

/** The article's filters: one for each upstream and service. */
export const filters = (addresses: readonly string[] = all, link = 'eth0'): string[] =>
  addresses.flatMap((address) => ports.map((port) => filter(address, port, { link })));

const rewriteFor = (addresses: readonly string[]): string => `${rootQdisc()}\n${batch(filters(addresses))}`;

const forwards = 'echo 1 > /proc/sys/net/ipv4/ip_forward';

/** What makes the hosts as they were raised serve by a method. */
export function setUp(method: Method): Change[] {
  const gateway = method === 'router NAT' ? proxyInner : gatewayInner;
  const router = { 'router NAT': 'proxy', 'origin NAT': undefined, 'a router of its own': 'gw' }[method];
  return [
    ...upstreams.map(({ name, address }) => ({
      host: name,
      run: `ip route replace default via ${gateway}${method === 'origin NAT' ? `\n${rewriteFor([address])}` : ''}`,
    })),
    ...(method === 'router NAT' ? [] : [{ host: 'gw', run: forwards }]),
    // Replies that arrive while nginx's spoofed socket is open would be attached to it and lost.
    ...(method === 'router NAT' ? [{ host: 'proxy', run: `${forwards}\necho 0 > /proc/sys/net/ipv4/udp_early_demux` }] : []),
    ...(router === undefined ? [] : [{ host: router, run: rewriteFor(all) }]),
  ];
}

/** Takes away what methods, faults and fixes did on one host. */
export const clear = (host: string): Change => ({
  host,
  run: `for link in eth0 eth1; do
  tc qdisc del dev "$link" root 2>/dev/null || :
  tc qdisc del dev "$link" clsact 2>/dev/null || :
done
nft flush ruleset
for f in ip_forward=0 udp_early_demux=1; do echo "\${f#*=}" > "/proc/sys/net/ipv4/\${f%=*}"; done
for f in /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/accept_local; do echo 0 > "$f"; done${host === 'proxy' ? configurationBack : ''}`,
});

const configurationBack = `
cat > nginx.conf.raised <<'END'
${proxyConfig}END
cmp -s nginx.conf nginx.conf.raised || { cp nginx.conf.raised nginx.conf; ${restartNginx()}; }`;
