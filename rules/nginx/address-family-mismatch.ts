import { combine } from '../../src/cures/combine.js';
import { directiveText, editConfig } from '../../src/cures/nginx.js';
import { withPort } from '../../src/net/address.js';
import { findListener } from '../../src/path/listening.js';
import { factOf, ownersOf } from '../../src/path/world.js';
import { type Broken, brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { changeServers } from '../../src/reasoning/servers.js';
import type { Case, Cure, Family, Listener, Rule, Service } from '../../src/types.js';

const rule: Rule = {
  title: 'clients of one address family, upstreams of the other',
  why: 'A socket bound to an IPv6 client cannot reach an IPv4 upstream: "setsockopt(IPV6_TRANSPARENT) failed (92: Protocol not available)". The other way round: "bind(A) failed (22: Invalid argument)". Either is a status 500. Each family needs upstreams of its own.',
  signs: {
    logs: 'http answers 500. IPv6 client and IPv4 upstream, at level alert: `setsockopt(IPV6_TRANSPARENT) failed (92: Protocol not available) while connecting to upstream`. IPv4 client and IPv6 upstream, at level crit: `bind(192.168.99.50) failed (22: Invalid argument)`.',
    packets: 'The client gets its 500. Towards the upstreams nothing leaves for these clients, while those of the other family are served.',
  },
  proof:
    'A listener of one family whose upstreams all have addresses of the other. It is a fault when a client of that family is known, else a risk. Not this: a service that listens on both families and has upstreams in both, each asked by its own clients only by way of separate `server` blocks.',
  cure: {
    how: [
      'Give each family a `server` of its own: `listen 80;` passing to IPv4 upstreams, `listen [::]:80;` to IPv6 ones. Or take the `listen` of the family away that the upstreams lack. Then',
      '  nginx -s reload',
    ].join('\n'),
    touches: ['nginx'],
  },
  run: (c) => {
    const mixed = brokenBy(c, 'family-mismatch');
    const groups = groupBy(mixed, ({ walk }) => `${walk.service.host} ${walk.clientAssumed ? 'risk' : 'fault'}`);
    const known = new Set(mixed.filter(({ walk }) => !walk.clientAssumed).map(({ walk }) => walk.service.host));
    return [...groups.values()].flatMap((broken) => {
      const first = broken[0]?.walk;
      // Nobody is known to come by this family where it was only assumed; where somebody is, that says it all.
      if (!first || (first.clientAssumed && known.has(first.service.host))) return [];
      const { host } = first.service;
      return concludeFrom(broken, {
        host,
        certainty: 'proven',
        severity: first.clientAssumed ? 'risk' : 'fault',
        summary: `nginx on ${host} takes IPv${familyOf(broken[0])} clients to upstreams of the other family, which a transparent bind cannot do (${serviceList(broken)})`,
        evidence: broken.slice(0, 2).map(({ walk: { upstream } }) => ({
          host,
          what: `server ${upstream.name}`,
          source: `${upstream.at.file}:${upstream.at.line}`,
        })),
        cures: cures(c, broken),
        verify: ['tail nginx\'s error log: no new "failed (92" and no new "failed (22"'],
      });
    });
  },
};

function familyOf(item: Broken | undefined): Family {
  return item?.walk.client.includes(':') ? 6 : 4;
}

/** Upstreams under their addresses of the clients' family; else nginx no longer listens for that family on a service of the other. */
function cures(c: Case, broken: readonly Broken[]): Cure[] {
  const why = "the upstreams are then of the clients' family";
  const moved = broken.every((item) => isAlone(c, item))
    ? changeServers(
        c,
        broken,
        (item) => {
          const { address, port } = item.walk.upstream;
          const other = otherAddress(c, item);
          return address === undefined || other === undefined ? undefined : [withPort(address, port), withPort(other, port)];
        },
        why,
      )
    : undefined;
  const closed = closing(c, broken);
  return [moved, closed].filter((cure) => cure !== undefined);
}

/** No service that is right about the upstream's family uses the same line. */
function isAlone(c: Case, item: Broken): boolean {
  const { at } = item.walk.upstream;
  const users = c.services.filter((service) =>
    service.upstreams.some((upstream) => upstream.at.file === at.file && upstream.at.line === at.line && upstream.at.column === at.column),
  );
  return users.every((service) => service.listeners.every(({ family }) => family === familyOf(item)));
}

/** The upstream host's address of the clients' family on the same link, where its service listens too. */
function otherAddress(c: Case, item: Broken): string | undefined {
  const { address = '', port } = item.walk.upstream;
  const family = familyOf(item);
  const snapshot = c.snapshots.get(ownersOf(c.snapshots, address)[0] ?? '');
  const addresses = factOf(snapshot, 'addresses') ?? [];
  const link = addresses.find((entry) => entry.address === address)?.link;
  const protocol = item.walk.service.protocol === 'udp' ? ('udp' as const) : ('tcp' as const);
  return addresses
    .filter((entry) => entry.link === link && entry.family === family && entry.scope === 'global')
    .map((entry) => entry.address)
    .find((candidate) => {
      const packet = { family, protocol: 0, source: item.walk.client, destination: candidate, destinationPort: port, mark: 0 };
      const socket = findListener(factOf(snapshot, 'sockets'), protocol, packet);
      return socket !== undefined && socket !== 'unknown';
    });
}

/** Takes the listeners of the mismatching family away from services that serve the other as well: such clients then come by that one. */
function closing(c: Case, broken: readonly Broken[]): Cure | undefined {
  const host = broken[0]?.walk.service.host ?? '';
  const snapshot = c.snapshots.get(host);
  const unwanted = broken.flatMap((item) => {
    const { service } = item.walk;
    const rest = service.listeners.filter(({ family }) => family !== familyOf(item));
    return rest.length === 0
      ? []
      : service.listeners.filter(({ family }) => family === familyOf(item)).map((listener) => ({ service, listener }));
  });
  const lines = [...groupBy(unwanted, ({ listener: { at } }) => `${at.file}:${at.line}:${at.column}`).values()].flatMap(
    ([first]) => first ?? [],
  );
  const edits = lines
    .sort((a, b) => b.listener.at.line - a.listener.at.line)
    .flatMap((line) => (snapshot ? (dropListen(snapshot, line) ?? []) : []));
  return edits.length > 0 && edits.length === lines.length ? combine(host, edits) : undefined;
}

function dropListen(
  snapshot: Parameters<typeof editConfig>[0],
  { service, listener }: { service: Service; listener: Listener },
): Cure | undefined {
  const text = directiveText(snapshot, service.master, { name: 'listen', at: listener.at });
  const why = `clients then come by IPv${listener.family === 6 ? 4 : 6}, the family of the upstreams`;
  return text === undefined ? undefined : editConfig(snapshot, service.master, { at: listener.at, remove: text, insert: '', why });
}

export default rule;
