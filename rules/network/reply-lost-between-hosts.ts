import { list } from '../../src/reasoning/broken.js';
import { concludeLoss, isSpoofed, lostBetweenHosts } from '../../src/reasoning/lost-between.js';
import { legOf } from '../../src/reasoning/packets.js';
import { platformSwitch } from '../../src/reasoning/platform-switch.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'replies are lost between two hosts',
  why: "The upstream answers, the answer leaves it towards the next host on the way back, and never comes in there. Both hosts do their part. What lies between does not: a security group, a switch or hypervisor that delivers by destination and knows the client's address elsewhere or not at all, a router that nobody named, a bad link.",
  signs: {
    logs: "On nginx's host `upstream timed out (110: Connection timed out) while connecting to upstream`; with Direct Server Return nothing. No counter moves on either host.",
    packets:
      "On the upstream's link 172.16.0.11 answers 192.168.99.50. On the link of nginx's host that faces the upstreams the answer is missing, though requests leave there.",
  },
  proof:
    'Captures on both ends of the wire at once, of which the second missed nothing. Not this: an answer that the second host shows and then drops, or one that the upstream sends elsewhere (upstream/reply-bypasses-proxy).',
  cure: {
    how: [
      "Outside the hosts: let what lies between deliver packets for the clients' addresses to nginx's host. In clouds that is a route for them to its interface, and the source/destination check or IP forwarding of that interface; else the switch's or hypervisor's filters and security groups. See to which Ethernet address the answers go, and whose it is:",
      '  tcpdump -eni eth0 dst host 192.168.99.50',
      '  ip neigh show 172.16.0.1',
    ].join('\n'),
    touches: ['platform'],
  },
  run: (c) => {
    const lost = lostBetweenHosts(c).filter((each) => legOf(each.last) === 'reply' && !(each.arrived === 0 && isSpoofed(c, each)));
    return concludeLoss(c, lost, {
      cause: (host, next, all) => {
        const services = [...new Set(all.flatMap(({ walks }) => walks.map(({ service }) => service.id)))];
        const some = all.some(({ arrived }) => arrived > 0) ? 'some replies' : 'replies';
        return `${some} leave ${host} and never reach ${next} (${list(services)})`;
      },
      because: ['it is lost between the two: both do their part'],
      settle: 'a capture on the next host that shows any packet at all, to be sure that it works',
    }).map((conclusion) => {
      const platform = platformSwitch(c.snapshots.get(conclusion.host));
      const advice = platform && `${conclusion.host} runs on ${platform.name}: ${platform.advice}`;
      return { ...conclusion, steps: [...conclusion.steps, ...(advice === undefined ? [] : [advice])] };
    });
  },
};

export default rule;
