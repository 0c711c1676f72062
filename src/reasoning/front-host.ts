import { admitFirst } from '../cures/firewall-rules.js';
import { familyOf, sameAddress } from '../net/address.js';
import { contains } from '../net/prefix.js';
import { describeRule, evaluate } from '../path/firewall.js';
import { firewallOf } from '../path/hooks.js';
import { factOf, ownersOf, owns, route } from '../path/world.js';
import type { Case, Cure, Evidence, Packet, Service, Snapshot } from '../types.js';
import { distinct } from './broken.js';
import { clientsSinceStart } from './log-since-start.js';

/** What stands between the clients and nginx and speaks under an address of its own. */
export type Front =
  /** Its own nginx passes requests on. */
  | { kind: 'proxy'; address: string; host: string; service: Service; evidence: Evidence[] }
  /** It translates what it forwards. */
  | { kind: 'nat'; address: string; host: string; evidence: Evidence[]; exempt: Cure }
  /** The gateway of the container that nginx runs in. */
  | { kind: 'bridge'; address: string; evidence: Evidence[] };

/** Clients of one family that nginx's logs name since its workers started, without this host itself. */
export function loggedClients(snapshot: Snapshot, family: 4 | 6): string[] {
  const [nginx, nginxClients] = [factOf(snapshot, 'nginx'), factOf(snapshot, 'nginxClients')];
  const addresses = nginx && nginxClients ? clientsSinceStart({ nginx, nginxClients }).map(({ address }) => address) : [];
  return distinct(addresses).filter(
    (address) =>
      familyOf(address) === family && !contains('127.0.0.0/8', address) && !sameAddress(address, '::1') && !owns(snapshot, address),
  );
}

/** What is known of an address that nginx takes for a client: undefined where it may be one. */
export function frontAt(c: Case, snapshot: Snapshot, services: readonly Service[], address: string): Front | undefined {
  const host = ownersOf(c.snapshots, address).find((name) => name !== snapshot.host);
  if (host === undefined) return bridge(snapshot, address);
  return proxyInFront(c, snapshot, services, address, host) ?? translating(c, snapshot, services, address, host);
}

function proxyInFront(c: Case, snapshot: Snapshot, services: readonly Service[], address: string, host: string): Front | undefined {
  const service = c.services.find(
    (other) => other.host === host && other.mode === 'plain' && services.some((own) => passesTo(other, own, snapshot)),
  );
  if (!service) return undefined;
  const { at, upstreams } = service;
  return {
    kind: 'proxy',
    address,
    host,
    service,
    evidence: [{ host, what: `proxy_pass to ${upstreams[0]?.name} without the client's address`, source: `${at.file}:${at.line}` }],
  };
}

/** Whether a service in front hands its requests to this one. */
export function passesTo(front: Service, { listeners, protocol }: Service, snapshot: Snapshot): boolean {
  if ((front.protocol === 'udp') !== (protocol === 'udp')) return false;
  return front.upstreams.some(
    ({ address, port }) => address !== undefined && owns(snapshot, address) && listeners.some((listener) => listener.port === port),
  );
}

/** A router whose nat rules give requests to this service the router's own address: asked for clients of named hosts and for any other. */
function translating(c: Case, snapshot: Snapshot, services: readonly Service[], address: string, host: string): Front | undefined {
  const router = c.snapshots.get(host);
  const firewall = firewallOf(router);
  const vip = factOf(snapshot, 'addresses')?.find(
    (entry) => entry.scope === 'global' && entry.family === familyOf(address) && leadsTo(router, entry.address, address),
  );
  if (!router || 'missing' in firewall || !vip || !c.roles.get(host)?.includes('router')) return undefined;
  const out = route(router, { to: vip.address }).answer;
  const sources = [
    ...c.clients.filter((client) => familyOf(client) === vip.family && client !== address),
    vip.family === 4 ? '203.0.113.7' : '2001:db8::7',
  ];
  for (const source of sources)
    for (const service of services) {
      const packet: Packet = {
        family: vip.family,
        protocol: service.protocol === 'udp' ? 17 : 6,
        source,
        destination: vip.address,
        sourcePort: 40_000,
        destinationPort: service.listeners[0]?.port ?? 80,
        mark: 0,
        ...(service.protocol === 'udp' ? {} : { tcpFlags: 2 }),
      };
      const [outcome, ...others] = evaluate(firewall.tables, 'postrouting', packet, {
        ...(out?.type === 'unicast' ? { out: out.link } : {}),
        state: 'new',
        socket: 'none',
        firstOfConnection: true,
        addressType: () => undefined,
      });
      const by = outcome?.touched.at(-1);
      const chain = by?.table.chains.find(({ base }) => base?.hook === 'postrouting' && base.type === 'nat');
      if (others.length > 0 || !outcome?.nat || !by || !chain) continue;
      const why = "requests to nginx keep the client's address; all else is translated as before";
      const exempt = admitFirst(router, { table: by.table, chain }, { family: vip.family, destinations: [vip.address] }, why);
      return { kind: 'nat', address, host, evidence: [{ host, ...describeRule(by.table, by.chain, by.rule) }], exempt };
    }
  return undefined;
}

/** The router reaches that address of nginx's host under its own `from`, on a link that they share. */
function leadsTo(router: Snapshot | undefined, to: string, from: string): boolean {
  return (
    factOf(router, 'addresses')?.some(
      (entry) => sameAddress(entry.address, from) && contains(`${entry.address}/${entry.prefixLength}`, to),
    ) ?? false
  );
}

/** Container engines give a container's clients the bridge's address where they relay or translate what comes from outside. */
function bridge(snapshot: Snapshot, address: string): Front | undefined {
  const container = factOf(snapshot, 'platform')?.virtualization;
  const isContainer = container !== undefined && /^(?:docker|podman|containerd|lxc|systemd-nspawn)/.test(container);
  const gateway = factOf(snapshot, 'routes')?.find(
    ({ to, nextHops }) => to === '0.0.0.0/0' && nextHops.some(({ via }) => via !== undefined && sameAddress(via, address)),
  );
  if (!isContainer || !gateway) return undefined;
  const { host } = snapshot;
  return {
    kind: 'bridge',
    address,
    evidence: [{ host, what: `default via ${address}, in a ${container} container`, source: 'ip route show default' }],
  };
}
