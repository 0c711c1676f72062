import { describe, it } from 'vitest';
import { expectShown, type Shown } from './show.js';

const [dev1, dev2, dev3, dev4] = ['172.16.0.11', '172.16.0.12', '172.16.0.13', '172.16.0.14'];
const version6 = ['fd00:16::11', 'fd00:16::12', 'fd00:16::13', 'fd00:16::14'];
const none = ['none'];

const shown: readonly Shown[] = [
  { fault: 'worker/capability-outside-bounding-set', port: 80, end: 'vanished', at: 'proxy eth0', upstreams: none },
  { fault: 'nginx/dsr-waits-for-replies', port: 53, end: 'vanished', at: 'proxy eth0', upstreams: none },
  { fault: 'nginx/responses-zero-but-replies-return', port: 5300, end: 'vanished', at: 'proxy eth1' },
  { fault: 'proxy/mark-rule-missing (UDP)', port: 5300, end: 'misdelivered' },
  { fault: 'proxy/mark-rule-missing (IPv6)', port: 80, end: 'vanished', at: 'proxy eth1', upstreams: version6 },
  { fault: 'proxy/mark-rule-mismatch (port)', port: 80, end: 'misdelivered' },
  { fault: 'proxy/mark-rule-mismatch (subnet too small)', port: 80, end: 'misdelivered', upstreams: [dev1, dev4] },
  { fault: 'proxy/mark-rule-mismatch (order: accepted before it is marked)', port: 80, end: 'misdelivered' },
  { fault: 'proxy/policy-rule-missing (IPv6)', port: 80, end: 'vanished', at: 'proxy eth1', upstreams: version6 },
  { fault: 'proxy/policy-rule-mark-mismatch', port: 80, end: 'misdelivered' },
  { fault: 'proxy/policy-rule-shadowed', port: 80, end: 'misdelivered' },
  { fault: 'proxy/local-route-not-local (covers too little)', port: 80, end: 'misdelivered' },
  { fault: 'proxy/local-route-not-local (type blackhole)', port: 80, end: 'vanished', at: 'proxy eth1' },
  { fault: 'proxy/firewall-drops-reply', port: 80, end: 'vanished', at: 'proxy eth1' },
  {
    fault: 'proxy/firewall-drops-reply (at the link, before all other rules)',
    port: 5300,
    end: 'vanished',
    at: 'proxy eth1',
    upstreams: [dev4],
  },
  { fault: 'proxy/firewall-drops-client', port: 80, end: 'vanished', at: 'proxy eth0', upstreams: none },
  { fault: 'proxy/tproxy-instead-of-mark', port: 80, end: 'vanished', at: 'proxy eth0', upstreams: none },
  { fault: 'proxy/kernel-feature-missing', port: 53, end: 'misdelivered' },
  { fault: 'upstream/no-route-to-client (IPv6)', port: 80, end: 'vanished', at: 'dev1 eth0', upstreams: ['fd00:16::11'] },
  { fault: 'upstream/replies-from-another-address', port: 5300, end: 'misdelivered', upstreams: [dev2] },
  {
    fault: 'upstream/client-on-connected-subnet (a card among the clients: replies go straight to them)',
    port: 80,
    end: 'misdelivered',
    upstreams: [dev3],
  },
  {
    fault: 'upstream/client-on-connected-subnet (overlapping prefix: clients are sought where they are not)',
    port: 80,
    end: 'vanished',
    at: 'dev3 eth0',
    upstreams: [dev3],
  },
  { fault: 'upstream/not-listening (DNS by direct server return)', port: 53, end: 'refused', upstreams: [dev3] },
  { fault: 'upstream/not-listening (UDP)', port: 5300, end: 'refused', upstreams: [dev3] },
  { fault: 'dsr/rewrite-misses-upstream', port: 53, end: 'misdelivered', upstreams: [dev4] },
  { fault: 'dsr/firewall-drops-reply', port: 53, end: 'vanished', at: 'proxy eth1' },
  { fault: 'dsr/rewrite-wrong-port', port: 53, end: 'misdelivered' },
  { fault: 'dsr/rewrite-on-wrong-interface', port: 53, end: 'misdelivered' },
  { fault: 'dsr/stateful-snat', port: 53, end: 'misdelivered' },
  { fault: 'dsr/origin-nat-through-proxy', port: 53, end: 'vanished', at: 'proxy eth1' },
  { fault: 'dsr/rewrite-twice', port: 53, end: 'vanished', at: 'proxy eth1', upstreams: [dev2] },
  { fault: 'dsr/port-differs', port: 53, end: 'misdelivered' },
];

describe.concurrent('packets on all hosts show where transactions of further faults end', () => {
  for (const row of shown) it(row.fault, () => expectShown(row));
});
