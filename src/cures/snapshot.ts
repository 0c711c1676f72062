import type { FactName, Facts, Snapshot } from '../types.js';

/** A copy of a snapshot with one fact changed. The kernel's recorded answers no longer hold, so the model has to answer from here on. */
export function withFact<N extends FactName>(snapshot: Snapshot, name: N, change: (value: Facts[N]) => Facts[N]): Snapshot {
  const fact = snapshot.facts[name] as { ok: true; value: Facts[N] } | { ok: false } | undefined;
  if (!fact?.ok) return snapshot;
  const { kernelRoutes: _stale, ...facts } = snapshot.facts;
  return { ...snapshot, facts: { ...facts, [name]: { ok: true, value: change(fact.value) } } };
}
