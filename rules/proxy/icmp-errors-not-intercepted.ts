import { combine } from '../../src/cures/combine.js';
import { markErrors } from '../../src/cures/mark-replies.js';
import { passArrival } from '../../src/path/hooks.js';
import { Trail } from '../../src/path/trail.js';
import { route } from '../../src/path/world.js';
import { distinct, groupBy, list } from '../../src/reasoning/broken.js';
import type { Case, Packet, Rule, Step, Walk } from '../../src/types.js';

const rule: Rule = {
  title: "ICMP errors about nginx's connections are not taken in",
  why: "An error (port unreachable, administratively prohibited, fragmentation needed) is addressed to the client, as the replies are. A mark rule for a protocol and port does not fit it, so nginx never hears of it: a rejection by an upstream's firewall becomes a timeout of a minute, and path MTU discovery does not work towards upstreams behind a smaller link.",
  signs: {
    logs: '`upstream timed out (110: Connection timed out)` where `connect() failed (113: No route to host)` or `(111: Connection refused)` is the truth. Nothing while all upstreams are well.',
    packets:
      "On the inner link an ICMP error from the upstream to the client's address comes in; it is forwarded to the client (ip_forward=1) or dropped, and nginx repeats its SYN or its large segment.",
  },
  proof:
    'The rules that mark the replies do not mark ICMP from the same upstreams, so the same look-up does not end in the local table. Not this: rules with the socket match alone, which take errors for what they quote.',
  cure: {
    how: [
      "On nginx's host, beside the rules for replies:",
      '  iptables -t mangle -A PREROUTING -p icmp -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff',
      '  ip6tables -t mangle -A PREROUTING -p ipv6-icmp -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff',
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) => {
    const missed = c.walks.flatMap((walk) => {
      const reply = takenIn(walk);
      return reply && isMissed(c, walk, reply) ? [{ walk, reply }] : [];
    });
    return [...groupBy(missed, ({ reply }) => reply.host)].flatMap(([host, entries]) => {
      const snapshot = c.snapshots.get(host);
      if (!snapshot) return [];
      const services = distinct(entries.map(({ walk }) => walk.service.id));
      const marks = [...groupBy(entries, ({ reply }) => `${reply.packet.family} ${reply.packet.mark}`).values()].flatMap(
        ([first]) => first ?? [],
      );
      return {
        host,
        severity: 'risk' as const,
        certainty: 'consistent' as const,
        summary: `${host} takes in the upstreams' replies but not their ICMP errors: a rejected request looks like a timeout (${list(services)})`,
        steps: [
          `replies get mark 0x${entries[0]?.reply.packet.mark.toString(16)} and are taken in`,
          'an ICMP error from the same upstream gets no mark, and nginx does not hear it',
        ],
        evidence: entries[0]?.reply.by.map((by) => ({ host, ...by })) ?? [],
        explains: [],
        walks: entries.map(({ walk }) => walk),
        cures: [
          combine(
            host,
            marks.map(({ reply: { packet } }) => markErrors(snapshot, packet.family, packet.mark)),
          ),
        ],
        verify: ['a request to an upstream port that its firewall rejects fails at once, with errno 113 in the error log'],
      };
    });
  },
};

/** Where nginx's host decides to take a marked reply in. */
function takenIn({ service, steps, end }: Walk): Step | undefined {
  if (service.mode !== 'transparent' || end !== 'whole') return undefined;
  return steps.find(({ leg, host, code, packet }) => leg === 'reply' && host === service.host && code === 'taken-in' && packet.mark !== 0);
}

/** The same way for an error about nginx's packet; where a rule cannot be evaluated, nothing is claimed. */
function isMissed(c: Case, { client, upstream }: Walk, reply: Step): boolean {
  const { family } = reply.packet;
  const packet: Packet = { family, protocol: family === 4 ? 1 : 58, source: upstream.address ?? '', destination: client, mark: 0 };
  const trail = new Trail(c.snapshots, reply.host, packet);
  trail.arrive(reply.host, reply.in);
  passArrival(trail, { state: 'related', socket: 'transparent', firstOfConnection: false });
  if (trail.steps.some(({ outcome }) => outcome === 'unknown' || outcome === 'broken') || trail.in === undefined) return false;
  const question = { to: client, from: packet.source, iif: trail.in, ...(trail.packet.mark ? { mark: trail.packet.mark } : {}) };
  const { answer } = route(c.snapshots.get(reply.host), question);
  return answer !== undefined && answer.type !== 'local';
}

export default rule;
