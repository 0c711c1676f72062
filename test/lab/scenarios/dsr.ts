import { gateway, rewriteRule, rewriteTable, upstreams } from '../article.js';
import type { Change } from '../lab.js';
import { type Fault, fault } from './scenario.js';

const onProxy = (run: string): readonly Change[] => [{ host: 'proxy', run }];

/** The lab's rewrite replaced by these rules. */
export const rewriteInstead = (rules: readonly string[]): Change => ({
  host: 'proxy',
  run: `nft delete table ip dsr\n${rewriteTable(rules)}`,
});

/** Each upstream rewrites its own replies, and nginx's host none. */
export const rewriteAtOrigin: readonly Change[] = [
  ...onProxy('nft delete table ip dsr'),
  ...upstreams.map((u): Change => ({ host: u.name, run: rewriteTable([rewriteRule(u.address)]) })),
];

/** DNS replies, and nothing else, leave by the gateway instead of nginx's host. */
export const repliesThroughGateway: readonly Change[] = upstreams.map(({ name }) => ({
  host: name,
  run: `ip rule add ipproto udp sport 53 lookup 53\nip route add default via ${gateway.inner} table 53`,
}));

export const dsrFaults: readonly Fault[] = [
  fault('dsr/reply-not-rewritten', 'proxy', ['dns'], onProxy('nft delete table ip dsr')),
  fault('dsr/rewrite-misses-upstream', 'proxy', ['dns'], [rewriteInstead(upstreams.slice(0, 3).map((u) => rewriteRule(u.address)))]),
  fault('dsr/forwarding-off', 'proxy', ['dns'], onProxy('echo 0 > /proc/sys/net/ipv4/ip_forward')),
  fault('dsr/firewall-drops-reply', 'proxy', ['dns'], onProxy('iptables-nft -P FORWARD DROP')),
  {
    ...fault('dsr/replies-caught-by-early-demux', 'proxy', ['dns'], onProxy('echo 1 > /proc/sys/net/ipv4/udp_early_demux')),
    severity: 'risk',
  },
];
