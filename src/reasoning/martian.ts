import { owns } from '../path/world.js';
import type { Case } from '../types.js';
import { type Broken, brokenBy } from './broken.js';
import { misfits, passingOf, rewritesOn } from './rewrites.js';
import { sourceVerdict } from './source-validation.js';

/** A DSR reply that its upstream rewrote and that a later host drops, because the new source is an address of its own. */
export interface Martian extends Broken {
  origin: string;
  /** The host that drops it has a rewrite for the reply as well. */
  rewrittenAgain: boolean;
}

export function martianReplies(c: Case): Martian[] {
  return brokenBy(c, 'source-invalid').flatMap(({ walk, step }): Martian[] => {
    const origin = walk.steps.find((each) => each.leg === 'reply')?.host;
    const rewritten = walk.steps.some((each) => each.leg === 'reply' && each.code === 'rewritten' && each.host === origin);
    const verdict = sourceVerdict(c, step);
    const martian = verdict?.valid === false && verdict.reason === 'martian' && owns(c.snapshots.get(step.host), step.packet.source);
    if (step.leg !== 'reply' || origin === undefined || !rewritten || !martian || step.host === origin) return [];
    const passing = passingOf(walk, origin);
    const rewrittenAgain = rewritesOn(c.snapshots.get(step.host)).some((rewrite) => {
      const stateless = rewrite.by === 'filter' || rewrite.action === 'rewrite';
      return stateless && passing !== undefined && misfits(rewrite, passing).every((misfit) => misfit === 'interface');
    });
    return [{ walk, step, origin, rewrittenAgain }];
  });
}
