import { rewriteRule, rewriteTable, upstreams } from '../article.js';
import type { Change } from '../lab.js';
import { type Fault, fault } from './scenario.js';

const onProxy = (run: string): readonly Change[] => [{ host: 'proxy', run }];

/** The lab's rewrite replaced by these rules. */
export const rewriteInstead = (rules: readonly string[]): Change => ({
  host: 'proxy',
  run: `nft delete table ip dsr\n${rewriteTable(rules)}`,
});

export const dsrFaults: readonly Fault[] = [
  fault('dsr/reply-not-rewritten', 'proxy', ['dns'], onProxy('nft delete table ip dsr')),
  fault('dsr/rewrite-misses-upstream', 'proxy', ['dns'], [rewriteInstead(upstreams.slice(0, 3).map((u) => rewriteRule(u.address)))]),
  fault('dsr/forwarding-off', 'proxy', ['dns'], onProxy('echo 0 > /proc/sys/net/ipv4/ip_forward')),
  {
    ...fault('dsr/replies-caught-by-early-demux', 'proxy', ['dns'], onProxy('echo 1 > /proc/sys/net/ipv4/udp_early_demux')),
    severity: 'risk',
  },
];
