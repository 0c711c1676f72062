import { familyOf, sameAddress } from '../net/address.js';
import { factOf } from '../path/world.js';
import type { Case, ErrorLogLine, Evidence, Walk } from '../types.js';

/** What nginx itself logged about the broken paths since its oldest worker started: one entry per kind, the newest line as example. */
export function logEvidence(c: Case, walks: readonly Walk[]): Evidence[] {
  const lines = walks.flatMap((walk) => linesSinceStart(c, walk.service.host).filter((line) => concerns(line, walk)));
  const kinds = new Map<string, ErrorLogLine[]>();
  for (const line of new Set(lines)) kinds.set(line.kind, [...(kinds.get(line.kind) ?? []), line]);
  const host = walks[0]?.service.host ?? '';
  return [...kinds.values()].map((group) => {
    const newest = group.reduce((a, b) => (b.at >= a.at ? b : a));
    return {
      host,
      what: `${group.length}× in nginx's error log since its workers started, last: ${newest.text}`,
      source: newest.source.file,
    };
  });
}

/** Error-log lines written after the oldest running worker started; earlier ones belong to an older configuration. Half a second is allowed for clocks. */
export function linesSinceStart(c: Pick<Case, 'snapshots'>, host: string): readonly ErrorLogLine[] {
  const snapshot = c.snapshots.get(host);
  const masters = factOf(snapshot, 'nginx')?.masters ?? [];
  return (factOf(snapshot, 'nginxErrors') ?? []).filter((line) => {
    const master = masters.find((candidate) => candidate.pid === line.master);
    if (!master) return false;
    const started = master.workers.length > 0 ? Math.min(...master.workers.map((worker) => worker.startedAt)) : master.startedAt;
    // Log lines have whole seconds: a line of the second in which the worker started may be its own.
    return line.at + 1.5 > started;
  });
}

/** Whether a log line is about a walk's upstream, or about no upstream at all. */
export function concerns(line: ErrorLogLine, walk: Walk): boolean {
  if (line.master !== walk.service.master) return false;
  if (line.upstream === undefined) return true;
  const named = endpointOf(line.upstream);
  if (!named) return false;
  const protocol = line.upstream.startsWith('udp:') ? 'udp' : 'tcp';
  return (
    sameAddress(named.address, walk.upstream.address) &&
    named.port === walk.upstream.port &&
    (walk.service.protocol === 'udp') === (protocol === 'udp')
  );
}

/** Address and port of an upstream as the log prints it: `http://172.16.0.11:80/`, `udp://[fd00::1]:53`, `172.16.0.11:53`. */
export function endpointOf(text: string): { address: string; port: number } | undefined {
  const found = /^(?:[a-z]+:\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})(?:\/|$)/.exec(text);
  const address = found?.[1] ?? found?.[2];
  return address !== undefined && familyOf(address) !== undefined ? { address, port: Number(found?.[3]) } : undefined;
}
