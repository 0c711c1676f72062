import { concludeFrom, distinct, serviceList } from '../../src/reasoning/broken.js';
import { marking, unmarkedReplies } from '../../src/reasoning/unmarked.js';
import type { Rule } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: "no rule marks the upstreams' replies",
  why: "The upstream addresses its reply to the client. Without a firewall mark nothing tells the kernel of nginx's host that the packet is meant for a local socket: it drops it (IpInAddrErrors) or, with ip_forward=1, forwards it to the client.",
  signs: {
    logs: 'http answers 504: `upstream timed out (110: Connection timed out) while connecting to upstream`, for UDP `… while proxying connection`. With ip_forward=0 every lost reply counts in IpInAddrErrors. With ip_forward=1 nothing counts while nginx waits; what comes after it has given up counts in IpForwDatagrams.',
    packets:
      "On the link to the upstreams, and at the upstream: SYN from the client's address, SYN-ACK back, both over and over. With ip_forward=1 late SYN-ACKs go on to the client with a TTL one less, and it resets them.",
  },
  proof:
    'The kernel says `local` to the look-up below with the mark, and not without it. The same packets come from a missing policy rule or local route (then it is not `local` with the mark either), from a firewall, and from rp_filter (TcpExtIPReversePathFilter moves). A SYN without any SYN-ACK points to the upstream instead.',
  cure: {
    how: [
      "Mark what the upstreams send, on nginx's host:",
      '  iptables -t mangle -A PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
      'Where that host forwards no Direct Server Return replies, one rule does for TCP, UDP and ICMP errors alike:',
      '  iptables -t mangle -A PREROUTING -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff',
      'firewalld empties the tables of iptables at each reload and brings back its own direct rules alone:',
      '  firewall-cmd --permanent --direct --add-rule ipv4 mangle PREROUTING 0 -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
      'What the kernel makes of the mark:',
      '  ip route get 192.168.99.50 from 172.16.0.11 iif eth1 mark 1',
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) =>
    [...unmarkedReplies(c)].flatMap(([host, replies]) => {
      const broken = replies.filter(({ nearMiss, tproxy }) => !nearMiss && !tproxy);
      if (broken.length === 0) return [];
      return concludeFrom(broken, {
        host,
        summary: `no firewall rule on ${host} marks the upstreams' replies, so they are not handed to nginx (${serviceList(broken)})`,
        because: [`no rule in prerouting matched ${broken[0]?.step.packet.source ?? 'the reply'}: it has no mark when it is routed`],
        cures: marking(c, host, broken),
        verify: distinct(broken.map(verify)),
      });
    }),
};

export default rule;
