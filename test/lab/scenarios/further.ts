import type { Change } from '../lab.js';
import { type Fault, fault } from './scenario.js';

const on = (host: string, run: string): Change => ({ host, run });

const fourth = ['http', 'tcp', 'dns', 'udp5300'] as const;

const upstreamHosts: readonly Fault[] = [
  fault('upstream/unreachable', 'dev4', ['http', 'http6', 'tcp', 'dns', 'udp5300'], [on('dev4', 'ip link set eth0 down')]),
];

/** Frames between hosts that the segment does not carry, as cloud networks do it. */
const segmentDrops = (match: string): readonly Change[] => [
  on(
    'switch',
    `nft 'add table bridge platform; add chain bridge platform forward { type filter hook forward priority 0; }; add rule bridge platform forward ${match} drop'`,
  ),
];

const network: readonly Fault[] = [
  fault('network/spoofed-source-dropped', 'proxy', fourth, segmentDrops('iifname "proxy-1" ip saddr 192.168.99.0/24')),
  fault('network/reply-lost-between-hosts', 'dev2', fourth, segmentDrops('iifname "dev2-0" ip daddr 192.168.99.0/24')),
];

/** Causes beside the common ones. Who does not know them may say that something is undetermined, and must not blame anything else. */
export const furtherFaults: readonly Fault[] = [...upstreamHosts, ...network];
