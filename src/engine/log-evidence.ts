import { factOf } from '../path/world.js';
import { concerns } from '../reasoning/logged-upstream.js';
import type { Case, ErrorLogLine, Evidence, Walk } from '../types.js';

export { concerns, endpointOf } from '../reasoning/logged-upstream.js';

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
