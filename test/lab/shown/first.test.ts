import { describe, it } from 'vitest';
import { expectShown, type Shown } from './show.js';

const [dev1, dev2, dev4] = ['172.16.0.11', '172.16.0.12', '172.16.0.14'];

const shown: readonly Shown[] = [
  { fault: 'proxy/mark-rule-missing (http)', port: 80, end: 'misdelivered' },
  { fault: 'proxy/policy-rule-missing', port: 80, end: 'misdelivered' },
  { fault: 'proxy/src-valid-mark', port: 80, end: 'vanished', at: 'proxy eth1' },
  { fault: 'dsr/reply-not-rewritten', port: 53, end: 'misdelivered' },
  { fault: 'dsr/rewrite-wrong-address', port: 53, end: 'misdelivered' },
  { fault: 'dsr/forwarding-off', port: 53, end: 'vanished', at: 'proxy eth1' },
  { fault: 'nginx/dsr-without-client-port', port: 53, end: 'misdelivered' },
  { fault: 'upstream/rp-filter-drops-request', port: 53, end: 'vanished', at: 'dev2 eth0', upstreams: [dev2] },
  { fault: 'upstream/no-route-to-client', port: 80, end: 'vanished', at: 'dev4 eth0', upstreams: [dev4] },
  { fault: 'upstream/firewall-drops-request (dropped)', port: 80, end: 'vanished', at: 'dev1 eth0', upstreams: [dev1] },
  { fault: 'upstream/reply-bypasses-proxy', port: 80, end: 'misdelivered', upstreams: [dev2] },
  { fault: 'upstream/not-listening (another port)', port: 80, end: 'refused', upstreams: [dev1] },
  { fault: 'proxy/mark-rule-steals-dsr-replies', port: 53, end: 'vanished', at: 'proxy eth1' },
  { fault: 'proxy/upstream-on-this-host', port: 80, end: 'misdelivered', upstreams: ['172.16.0.1'] },
  {
    fault: 'proxy/local-route-missing (one-armed, IPv6)',
    port: 80,
    end: 'vanished',
    at: 'proxy eth0',
    upstreams: ['fd00:20::11', 'fd00:20::12'],
  },
  { fault: 'dsr/forwarding-off (on the way back)', port: 53, end: 'vanished', at: 'back eth1', upstreams: ['172.30.0.11', '172.30.0.12'] },
  { fault: 'proxy/mark-rule-missing (on one of a pair)', port: 80, end: 'misdelivered', upstreams: ['172.16.0.21', '172.16.0.22'] },
  { fault: 'proxy/local-route-missing', port: 80, end: 'misdelivered' },
  { fault: 'upstream/firewall-drops-request (rejected)', port: 80, end: 'refused', upstreams: [dev1] },
  { fault: 'network/spoofed-source-dropped', port: 80, end: 'vanished', at: 'proxy eth1' },
  {
    fault: 'proxy/local-route-missing (behind a router)',
    port: 80,
    end: 'vanished',
    at: 'proxy eth1',
    upstreams: ['172.30.0.11', '172.30.0.12'],
  },
  { fault: 'network/reply-lost-between-hosts', port: 80, end: 'vanished', at: 'dev2 eth0', upstreams: [dev2] },
];

describe.concurrent('packets on all hosts show where transactions end', () => {
  for (const row of shown) it(row.fault, () => expectShown(row));
});
