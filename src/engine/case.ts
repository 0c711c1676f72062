import { configOf } from '../nginx/of-snapshot.js';
import { readServices } from '../nginx/services.js';
import { predictWalks } from '../path/walk.js';
import { factOf, type Snapshots } from '../path/world.js';
import type { Case, Role, Service, Snapshot } from '../types.js';
import { type Asked, servicesAt } from './asked.js';
import { findClients } from './clients.js';
import { findRoles } from './roles.js';

/** What the user said, as far as the case depends on it. */
export interface CaseOptions {
  clients: readonly string[];
  roles: ReadonlyMap<string, readonly Role[]>;
  nginxPid?: number;
  /** Only what answers there. */
  to?: Asked;
}

/** Derives services, roles, clients and predicted walks from snapshots: a pure function, so that a cure can be tried on a changed copy. */
export function buildCase(snapshots: Snapshots, options: CaseOptions): Case {
  const all = uniqueIds([...snapshots.values()].flatMap((snapshot) => servicesOf(snapshot, options.nginxPid)));
  const services = options.to ? servicesAt(snapshots, all, options.to) : all;
  const roles = findRoles(snapshots, services, options.roles);
  const clients = findClients(snapshots, services, roles, options.clients);
  return {
    snapshots,
    roles,
    services,
    clients: clients.map((client) => client.address),
    walks: predictWalks(snapshots, services, clients),
    findings: [],
  };
}

function servicesOf(snapshot: Snapshot, only: number | undefined): Service[] {
  const masters = factOf(snapshot, 'nginx')?.masters ?? [];
  const hostNames = factOf(snapshot, 'hostNames') ?? {};
  return masters
    .filter((master) => only === undefined || master.pid === only)
    .flatMap((master) => {
      const parsed = configOf(snapshot, master);
      return parsed ? readServices(parsed, { host: snapshot.host, master, hostNames }) : [];
    });
}

/** An id that several hosts have gets the host's name before it. */
function uniqueIds(services: readonly Service[]): Service[] {
  const hosts = (id: string) => new Set(services.filter((service) => service.id === id).map((service) => service.host)).size;
  return services.map((service) => (hosts(service.id) > 1 ? { ...service, id: `${service.host}/${service.id}` } : service));
}
