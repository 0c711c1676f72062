import { combine } from '../../src/cures/combine.js';
import { putRoute } from '../../src/cures/routing.js';
import { sameAddress } from '../../src/net/address.js';
import { factOf } from '../../src/path/world.js';
import { type Preferred, preferredSource, wildcardSocket } from '../../src/reasoning/answering-source.js';
import { concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { linesSinceStart } from '../../src/reasoning/log-since-start.js';
import { concerns } from '../../src/reasoning/logged-upstream.js';
import { addressIn, captureAt, describePacket, walksOf } from '../../src/reasoning/packets.js';
import type { Case, Cure, ErrorLogLine, PatternStep, Rule, Step, Walk } from '../../src/types.js';

const rule: Rule = {
  title: 'the upstream answers under another of its addresses',
  why: 'A UDP server on a wildcard address (0.0.0.0, ::) that just sends its answer leaves the source to the kernel, which takes that of the route to the client. On a host with several addresses this need not be the one that nginx asked, and nginx takes answers from no other. Many servers (dnsmasq, bind, nginx) note the asked address and answer from it.',
  signs: {
    logs: "`upstream timed out (110: Connection timed out) while proxying connection` for this upstream alone; nothing on the upstream, whose own log shows the requests. Where the answers are marked, UdpNoPorts grows on nginx's host.",
    packets:
      "On the upstream: the request to 172.16.0.12, and the answer from another address, say 172.16.0.22, to the same client port. nginx's host answers with ICMP port unreachable, or passes it on to the client.",
  },
  proof:
    'A capture on the upstream: asked on one address, answered from another. The wildcard socket and the preferred source alone prove nothing, since most servers answer from the asked address. Not this: answers that leave from the right address and are lost later.',
  cure: {
    how: [
      'Best in the server itself: bind it to the address that nginx asks. Else on the upstream let the route to the clients prefer that address; what the host asks of others then comes from it, too:',
      '  ip route get 192.168.99.50',
      '  ip route replace default via 172.16.0.1 dev eth0 src 172.16.0.12',
    ].join('\n'),
    touches: ['route', 'server'],
  },
  run: (c) =>
    [...groupBy(strangers(c), ({ host }) => host)].map(([host, found]) => {
      const asked = distinct(found.map(({ walk }) => walk.upstream.address ?? ''));
      const used = distinct(found.map(({ preferred }) => preferred.source));
      const broken = found.map(({ walk, arrival }) => ({ walk, step: arrival }));
      const answers = found.flatMap(({ walk }) => seenAnswer(c, walk, host) ?? []);
      return concludeFrom(broken, {
        host,
        certainty: answers.length > 0 ? 'proven' : found.every(({ isClear }) => isClear) ? 'consistent' : 'possible',
        summary: `${host} is asked on ${list(asked)}, and its route to the clients prefers ${list(used)} as source of the answers (${serviceList(broken)})`,
        because: [
          `the socket is bound to no address, so the kernel picks ${list(used)} unless the server names one`,
          answers.length > 0
            ? 'packets show the answers under that address'
            : 'nginx times out on this upstream, though every predicted path is whole',
        ],
        evidence: [
          ...answers
            .slice(0, 2)
            .map((step) => ({ host, what: `answers come from there: ${describePacket(step)}`, source: captureAt(step) })),
          ...found.slice(0, 2).flatMap(({ walk, preferred, socket }) => [
            { host, what: `a UDP socket on ${socket}, port ${walk.upstream.port}`, source: '/proc/net/udp' },
            { host, what: `source ${preferred.source} towards ${walk.client}`, source: `ip route get ${walk.client}` },
          ]),
        ],
        cures: preferring(c, host, found),
        verify: distinct(found.map(({ walk }) => `ip route get ${walk.client}   # must say src ${walk.upstream.address}`)),
        ...(answers.length > 0
          ? {}
          : { settle: `a capture of UDP port ${found[0]?.walk.upstream.port} on ${host}: from which address does it answer?` }),
      });
    }),
};

interface Stranger {
  walk: Walk;
  host: string;
  arrival: Step;
  preferred: Preferred;
  socket: string;
  /** nginx complained within the last minute, and about no upstream that has no such excuse. */
  isClear: boolean;
}

/** On the hosts as they were read: what was logged before a cure may be what the cure is for. */
function strangers(c: Case): Stranger[] {
  if (c.read) return [];
  const services = c.services.filter(({ protocol, mode }) => protocol === 'udp' && mode === 'transparent');
  return services.flatMap((service) => {
    const walks = c.walks.filter((walk) => walk.service === service);
    const whole = walks.filter(({ upstream }) => walks.every((other) => other.upstream !== upstream || other.end === 'whole'));
    const found = whole.flatMap((walk) => answersElsewhere(c, walk) ?? []);
    const excused = new Set(found.map(({ walk }) => walk.upstream));
    const isClear = !whole.some((walk) => !excused.has(walk.upstream) && timeouts(c, walk).length > 0);
    return found.map((one) => ({ ...one, isClear: isClear && isFresh(c, one.walk) }));
  });
}

function answersElsewhere(c: Case, walk: Walk): Omit<Stranger, 'isClear'> | undefined {
  const arrival = walk.steps.findLast((step) => step.leg === 'forward' && step.code === 'listening');
  const { address, family } = walk.upstream;
  if (!arrival || arrival.host === walk.service.host || address === undefined || family === 6) return undefined;
  const snapshot = c.snapshots.get(arrival.host);
  const [preferred, socket] = [preferredSource(snapshot, walk.client), wildcardSocket(snapshot, walk)];
  if (!preferred || !socket || sameAddress(preferred.source, address)) return undefined;
  if (timeouts(c, walk).length === 0 && seenAnswer(c, walk, arrival.host) === undefined) return undefined;
  return { walk, host: arrival.host, arrival, preferred, socket: socket.localAddress };
}

/** An answer to the client that left the upstream's host under an address that nobody asked. */
function seenAnswer(c: Case, walk: Walk, host: string): PatternStep | undefined {
  const patterns = c.observed?.patterns.filter((pattern) => pattern.end !== 'delivered' && walksOf(c, pattern).includes(walk)) ?? [];
  const steps = patterns.flatMap(({ path }) => path.filter((step) => step.host === host && step.dir === 'out'));
  const isFromServer = (step: PatternStep) => step.leg === 'reply' || step.leg === 'answer';
  return steps.find((step) => isFromServer(step) && !sameAddress(addressIn(step.src), walk.upstream.address));
}

/** What nginx logged of this very upstream since its workers started. */
function timeouts(c: Case, walk: Walk): ErrorLogLine[] {
  const snapshot = c.snapshots.get(walk.service.host);
  const [nginx, nginxErrors] = [factOf(snapshot, 'nginx'), factOf(snapshot, 'nginxErrors')];
  if (!nginx || !nginxErrors) return [];
  return linesSinceStart({ nginx, nginxErrors }, ['upstream-timeout']).filter(
    (line) => line.upstream !== undefined && concerns(line, walk),
  );
}

/** Seconds within which a line still speaks about the present; an older one may be about a server that was mended since. */
const freshFor = 60;

function isFresh(c: Case, walk: Walk): boolean {
  const now = factOf(c.snapshots.get(walk.service.host), 'clock')?.epochSeconds;
  return now !== undefined && timeouts(c, walk).some(({ at }) => now - at <= freshFor);
}

/** The route to the clients prefers the address that is asked; where several are asked on one host, no route can. */
function preferring(c: Case, host: string, found: readonly Stranger[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  const [asked, ...others] = distinct(found.map(({ walk }) => walk.upstream.address ?? ''));
  if (!snapshot || asked === undefined || others.length > 0) return [];
  const routes = distinct(found.map(({ preferred }) => preferred.route));
  const parts = routes.map((route) => putRoute(snapshot, { ...route, source: asked }, `answers to clients then come from ${asked}`));
  return [combine(host, parts)];
}

export default rule;
