import { combine } from '../../src/cures/combine.js';
import { directiveText, editConfig, findMaster } from '../../src/cures/nginx.js';
import { sameAddress } from '../../src/net/address.js';
import { factOf, owns } from '../../src/path/world.js';
import { distinct, groupBy, list, narrate } from '../../src/reasoning/broken.js';
import { keepsByDefault, keepsConnections } from '../../src/reasoning/keepalive.js';
import { addressIn, captureAt, clientOf, describePacket } from '../../src/reasoning/packets.js';
import type { Case, Cure, Evidence, PatternStep, Rule, Service, Snapshot, TracePattern } from '../../src/types.js';

const rule: Rule = {
  title: 'kept upstream connections carry requests of other clients',
  why: "nginx's cache of idle upstream connections ignores the address a connection is bound to. With an effective keepalive a client's request can travel over a connection that was opened under another client's address: the answer is 200, and the upstream sees and logs the wrong client.",
  signs: {
    logs: "nginx logs nothing and answers 200; no counter moves. Only the upstreams' access logs show it: fewer client addresses than there are clients, and requests filed under somebody else's.",
    packets:
      'At an upstream, one connection from 192.168.99.50 carries several requests, and a request of 192.168.99.51 comes over it without a handshake of its own. After an answer nginx sends no FIN.',
  },
  proof:
    "Proven when idle connections to an upstream are bound to addresses that are not nginx's. Harmless: keepalive in services that bind to no client, `keepalive_timeout` (it concerns clients), and before nginx 1.29.7 a `keepalive` without `proxy_http_version 1.1` and an empty Connection header, which keeps nothing.",
  cure: {
    how: [
      'Before nginx 1.29.7 take the `keepalive` line out of the `upstream` block (0 is refused there). From 1.29.7 on connections are kept unless the block says `keepalive 0;`. Then',
      '  nginx -s reload',
      '  ss -tn state established dst 172.16.0.11',
    ].join('\n'),
    touches: ['nginx'],
  },
  run: (c) => {
    const mixing = c.services.filter(
      (service) => service.mode === 'transparent' && keepsConnections(service, findMaster(c.snapshots.get(service.host), service.master)),
    );
    return [...groupBy(mixing, (service) => service.host)].map(([host, services]) => {
      const snapshot = c.snapshots.get(host);
      const lines = services.flatMap((service) => (service.upstreamGroup?.keepalive ? [service.upstreamGroup.keepalive.at] : []));
      const walks = c.walks.filter((walk) => services.includes(walk.service));
      const idle = snapshot ? spoofedConnections(snapshot, services) : [];
      const seen = mixedRequests(c, host, services);
      return {
        host,
        severity: 'fault' as const,
        certainty: idle.length + seen.length > 0 ? ('proven' as const) : ('consistent' as const),
        summary: `upstream keepalive under a per-client proxy_bind lets requests travel under another client's address (${list(services.map((service) => service.id))})`,
        steps: [
          ...(walks[0] ? narrate(walks[0]) : []),
          "after the answer nginx keeps this connection, which is bound to this client's address",
          "the next request takes any idle connection to the same upstream, whoever's address it bears",
        ],
        evidence: [
          ...seen,
          ...distinct(lines.map((at) => `${at.file}:${at.line}`)).map((source) => ({
            host,
            what: 'keepalive in the upstream block',
            source,
          })),
          ...idle,
        ],
        explains: services.map((service) => `${service.id}: upstreams log the wrong client`),
        walks,
        cures: snapshot ? cures(snapshot, services) : [],
        verify: ['ask from two clients in turn and compare the addresses that the upstream logs'],
      };
    });
  },
};

/** Open connections to an upstream from an address that is not this host's. */
function spoofedConnections(snapshot: Snapshot, services: readonly Service[]): Evidence[] {
  const own = factOf(snapshot, 'addresses') ?? [];
  const upstreams = services.flatMap((service) => service.upstreams);
  const open = (factOf(snapshot, 'sockets') ?? []).filter(
    (socket) =>
      socket.state === 'ESTAB' &&
      upstreams.some((upstream) => sameAddress(upstream.address, socket.peerAddress) && upstream.port === socket.peerPort) &&
      !own.some((entry) => sameAddress(entry.address, socket.localAddress)),
  );
  const pairs = distinct(open.map((socket) => `${socket.localAddress} > ${socket.peerAddress}:${socket.peerPort}`));
  return pairs
    .slice(0, 4)
    .map((pair) => ({ host: snapshot.host, what: `idle connection under a client's address: ${pair}`, source: '/proc/net/tcp' }));
}

/** Requests that were seen to leave under the address of a client that did not ask. */
function mixedRequests(c: Case, host: string, services: readonly Service[]): Evidence[] {
  const mixed = c.read === undefined ? (c.observed?.patterns ?? []).flatMap((pattern) => mixedIn(c, host, services, pattern) ?? []) : [];
  const [first] = mixed;
  if (!first) return [];
  const count = mixed.reduce((sum, { pattern }) => sum + pattern.count, 0);
  const what = `${count} requests went out under another client's address: ${clientOf(first.pattern)} asked, ${describePacket(first.step)}`;
  return [{ host, what, source: captureAt(first.step) }];
}

function mixedIn(
  c: Case,
  host: string,
  services: readonly Service[],
  pattern: TracePattern,
): { pattern: TracePattern; step: PatternStep } | undefined {
  const isAsked = pattern.path.some(({ leg }) => leg === 'request') && services.some(({ id }) => id === pattern.service);
  const step = pattern.path.find((each) => each.host === host && each.leg === 'forward' && each.dir === 'out');
  if (!isAsked || !step) return undefined;
  const source = addressIn(step.src);
  return sameAddress(source, clientOf(pattern)) || owns(c.snapshots.get(host), source) ? undefined : { pattern, step };
}

/** One edit for each upstream block, then a reload. */
function cures(snapshot: Snapshot, services: readonly Service[]): Cure[] {
  const groups = new Map(services.map((service) => [service.upstreamGroup?.name, service]));
  const edits = [...groups.values()].flatMap((service) => edit(snapshot, service) ?? []);
  return edits.length > 0 ? [combine(snapshot.host, edits)] : [];
}

/** Before 1.29.7 the line goes; from then on keepalive is the default and has to be turned off. */
function edit(snapshot: Snapshot, { master: pid, upstreamGroup, upstreams }: Service): Cure | undefined {
  const why = 'a connection is then used for one request, under its own client';
  const written = upstreamGroup?.keepalive?.at;
  const isDefault = keepsByDefault(findMaster(snapshot, pid));
  if (written) {
    const text = directiveText(snapshot, pid, { name: 'keepalive', at: written });
    return text === undefined
      ? undefined
      : editConfig(snapshot, pid, { at: written, remove: text, insert: isDefault ? 'keepalive 0;' : '', why });
  }
  const last = upstreams.findLast((upstream) => upstream.at.file === upstreamGroup?.at.file)?.at;
  return last && editConfig(snapshot, pid, { at: { ...last, line: last.line + 1 }, remove: null, insert: '    keepalive 0;', why });
}

export default rule;
