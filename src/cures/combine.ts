import type { Cure, FixStep, Snapshot } from '../types.js';

/** Several cures of one host as one, in order. What each of them ends with, such as a reload of nginx, is done once, at the end. */
export function combine(host: string, cures: readonly Cure[]): Cure {
  const steps = cures.flatMap((cure) => cure.steps);
  return {
    host,
    steps: steps.filter((step, index) => !isReload(step) || !steps.slice(index + 1).some((later) => sameCommand(step, later))),
    apply: (snapshot: Snapshot) => cures.reduce((current, cure) => cure.apply(current), snapshot),
  };
}

/** Cures that each begin where the one before leads: places in a chain are then told as they will be. Undefined where one cannot be had. */
export function inTurn(first: Snapshot, makers: readonly ((now: Snapshot) => Cure | undefined)[]): Cure | undefined {
  const cures: Cure[] = [];
  let now = first;
  for (const make of makers) {
    const cure = make(now);
    if (!cure) return undefined;
    cures.push(cure);
    now = cure.apply(now);
  }
  return cures.length > 0 ? combine(first.host, cures) : undefined;
}

function isReload(step: FixStep): boolean {
  return step.kind === 'command' && step.run.endsWith(' -s reload');
}

function sameCommand(a: FixStep, b: FixStep): boolean {
  return a.kind === 'command' && b.kind === 'command' && a.run === b.run;
}
