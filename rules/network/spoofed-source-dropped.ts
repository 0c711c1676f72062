import { sameAddress } from '../../src/net/address.js';
import { factOf } from '../../src/path/world.js';
import { list } from '../../src/reasoning/broken.js';
import { concludeLoss, isSpoofed, type Lost, lostBetweenHosts } from '../../src/reasoning/lost-between.js';
import { addressIn } from '../../src/reasoning/packets.js';
import { anyPlatform, platformSwitch } from '../../src/reasoning/platform-switch.js';
import type { Case, Conclusion, Rule } from '../../src/types.js';

const rule: Rule = {
  title: "the network drops packets that bear a client's address",
  why: 'A transparent proxy sends packets under addresses that are not its own; so do upstreams that rewrite their own DSR replies. Clouds, hypervisors and switches look on that as forgery: they take from a machine packets under its own addresses alone. The packet leaves the host, and nobody on the way says that it went no further.',
  signs: {
    logs: '`upstream timed out (110: Connection timed out) while connecting to upstream`; for UDP with `proxy_responses 0` nothing. No counter moves on either host.',
    packets:
      "On nginx's link to the upstreams: 192.168.99.50 asks 172.16.0.11, over and over. On the upstream's link: not one of them, while packets from 172.16.0.1 come in.",
  },
  proof:
    "Captures on both ends of the wire at once: seen to leave, never seen to come in, and the second capture missed nothing. A ping from nginx's host gets through, as it has an address of its own. Not this: a packet that the upstream's capture shows; a capture comes before rp_filter and the firewall, so the upstream itself drops it then.",
  cure: {
    how: [
      "The switch is the platform's, outside the hosts. Amazon EC2: the source/destination check of the network interface. Google: IP forwarding of the instance. Azure: IP forwarding of the interface. OpenStack: allowed address pairs, or port security of the port. VMware: SpoofGuard. libvirt: the filter clean-traffic. Proxmox: the IP filter of the VM. LXD: security.ipv4_filtering.",
      'To see that it works, capture on the upstream while a client asks:',
      '  tcpdump -ni eth0 host 192.168.99.50',
    ].join('\n'),
    touches: ['platform'],
  },
  run: (c) => {
    // A filter of sources is no matter of luck: where some come through, something else loses the others.
    const spoofed = lostBetweenHosts(c).filter((lost) => lost.arrived === 0 && isSpoofed(c, lost));
    return concludeLoss(c, spoofed, {
      cause: (host, next, lost) => {
        const services = [...new Set(lost.flatMap(({ walks }) => walks.map(({ service }) => service.id)))];
        return `packets under foreign addresses leave ${host} and never reach ${next}: something between them drops them (${list(services)})`;
      },
      because: ['no host on the way can do that: it happens outside, where sources are checked'],
      settle: 'a capture on the next host that shows any packet at all, to be sure that it works',
    }).map((conclusion) => {
      const platform = platformSwitch(c.snapshots.get(conclusion.host));
      const doubt = isCutOff(c, conclusion.host, spoofed);
      return {
        ...conclusion,
        ...(doubt === undefined ? {} : doubt),
        steps: [
          ...conclusion.steps,
          platform ? `${conclusion.host} runs on ${platform.name}: ${platform.advice}` : `to be looked for ${anyPlatform}`,
        ],
        evidence: [...conclusion.evidence, ...(platform ? [platform.evidence] : [])],
      };
    });
  },
};

/** Where no ping under the host's own address came through either, sources may not be what matters. */
function isCutOff(c: Case, host: string, lost: readonly Lost[]): Pick<Conclusion, 'certainty' | 'settle'> | undefined {
  const asked = lost.filter(({ last }) => last.host === host).map(({ last }) => addressIn(last.dst));
  const pings = (factOf(c.snapshots.get(host), 'pings') ?? []).filter(({ to }) => asked.some((address) => sameAddress(address, to)));
  if (pings.length === 0 || pings.some(({ ok }) => ok)) return undefined;
  return {
    certainty: 'possible',
    settle: `whether anything of ${host} gets through: ping ${pings[0]?.to ?? asked[0]} while the next host is captured`,
  };
}

export default rule;
