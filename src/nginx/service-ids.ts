import type { Service } from '../types.js';
import { type Scope, within } from './scope.js';

interface Candidate {
  service: Service;
  scope: Scope;
}

/**
 * Gives every service an id that stays the same while its listener and location do: `udp:53`, `http:81/`. Where several would share
 * one, the server's name is added, then the upstream's, then a number in the order of the configuration.
 */
export function uniqueIds(found: readonly Candidate[]): Service[] {
  const withBase = found.map(baseId);
  const withServer = extendShared(withBase, found.map(serverName));
  const withUpstream = extendShared(withServer, found.map(upstreamName));
  const ids = numberShared(withUpstream);
  return found.map(({ service }, i) => ({ ...service, id: ids[i] ?? '' }));
}

function baseId({ service, scope }: Candidate): string {
  const port = service.listeners[0]?.port ?? 0;
  const location = scope.findLast(({ name }) => name === 'location');
  // `^~` only tells nginx not to try regular expressions: the place is the same.
  const place = location?.args.filter((word) => word !== '^~').join('') ?? '';
  return `${service.protocol}:${port}${place}`;
}

function serverName({ scope }: Candidate): string {
  const server = scope.find(({ name }) => name === 'server');
  return (server && within(server, 'server_name')[0]?.args[0]) ?? '';
}

function upstreamName({ service }: Candidate): string {
  return service.upstreamGroup?.name ?? service.upstreams[0]?.name ?? '';
}

function extendShared(ids: readonly string[], additions: readonly string[]): readonly string[] {
  const shared = repeated(ids);
  return ids.map((id, i) => (shared.has(id) && additions[i] ? `${id}#${additions[i]}` : id));
}

/** The first of several keeps its id, the others get the next number that is free. */
function numberShared(ids: readonly string[]): readonly string[] {
  const taken = new Set(ids);
  const shared = repeated(ids);
  const count = new Map<string, number>();
  return ids.map((id) => {
    let n = (count.get(id) ?? 0) + 1;
    if (n > 1 && shared.has(id)) while (taken.has(`${id}#${n}`)) n++;
    count.set(id, n);
    return n > 1 ? `${id}#${n}` : id;
  });
}

function repeated(ids: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(ids.filter((id) => seen.has(id) || !seen.add(id)));
}
