import type { Cure, Snapshot } from '../types.js';

/** Several cures of one host as one, in order. */
export function combine(host: string, cures: readonly Cure[]): Cure {
  return {
    host,
    steps: cures.flatMap((cure) => cure.steps),
    apply: (snapshot: Snapshot) => cures.reduce((current, cure) => cure.apply(current), snapshot),
  };
}
