import type { Case, Conclusion, Cure, Rule, Snapshot, Walk } from '../types.js';
import { buildCase, type CaseOptions } from './case.js';

/** A cure that was tried on a copy, and what it would cost. */
export interface TriedCure {
  cure: Cure;
  /** Paths that are whole and would break. */
  losses: readonly Walk[];
}

export function applyCure(snapshots: Case['snapshots'], cure: Cure): ReadonlyMap<string, Snapshot> {
  const before = snapshots.get(cure.host);
  return before ? new Map(snapshots).set(cure.host, cure.apply(before)) : snapshots;
}

/** Tells the flows of two cases apart that are the same. */
export function flowKey({ service, client, upstream }: Walk): string {
  return `${service.id} ${client} ${upstream.address}`;
}

/**
 * The first cure after which every explained path is whole, else one after which it gets further, else one after which this cause no
 * longer breaks it: of a missing policy rule and an empty table behind it, curing the first does not move the packet. Of each kind one
 * that costs nothing comes first.
 */
export function workingCure(c: Case, rule: Rule, conclusion: Conclusion, options: CaseOptions): TriedCure | undefined {
  const tried = conclusion.cures.map((cure) => tryCure(c, rule, conclusion, cure, options));
  const ranked = [...tried.filter(({ losses }) => losses.length === 0), ...tried.filter(({ losses }) => losses.length > 0)];
  return ranked.find(({ whole }) => whole) ?? ranked.find(({ further }) => further) ?? ranked.find(({ isPast }) => isPast());
}

interface Outcome extends TriedCure {
  whole: boolean;
  further: boolean;
  isPast(): boolean;
}

function tryCure(c: Case, rule: Rule, conclusion: Conclusion, cure: Cure, options: CaseOptions): Outcome {
  const after = buildCase(applyCure(c.snapshots, cure), options);
  const walksAfter = new Map(after.walks.map((walk) => [flowKey(walk), walk]));
  const twinsOf = (walks: readonly Walk[]) => walks.map((before) => ({ before, after: walksAfter.get(flowKey(before)) }));
  const explained = new Set(conclusion.walks.filter((walk) => walk.end === 'broken'));
  const twins = twinsOf([...explained]);
  const isBlamed = () =>
    rule
      .run(after)
      .some(({ host, walks }) => host === conclusion.host && twins.some((twin) => twin.after !== undefined && walks.includes(twin.after)));
  return {
    cure,
    losses: lossesIn(c, after),
    whole: twins.every((twin) => twin.after?.end !== 'broken'),
    further: twins.every((twin) => isFurther(twin.before, twin.after)),
    isPast: () => twins.every((twin) => !isEarlier(twin.before, twin.after)) && !isBlamed(),
  };
}

/** Paths that were whole and are broken. */
function lossesIn(before: Case, after: Case): Walk[] {
  const broken = new Set(after.walks.filter(({ end }) => end === 'broken').map(flowKey));
  return before.walks.filter((walk) => walk.end === 'whole' && broken.has(flowKey(walk)));
}

/** For each risk the first cure that breaks nothing. All first ones are tried together: as a rule none of them does. */
export function harmlessCures(c: Case, risks: readonly Conclusion[], options: CaseOptions): Map<Conclusion, Cure> {
  const isHarmless = (cures: readonly Cure[]) => lossesIn(c, buildCase(cures.reduce(applyCure, c.snapshots), options)).length === 0;
  const first = risks.flatMap((risk) => (risk.cures[0] ? [[risk, risk.cures[0]] as const] : []));
  if (first.length === 0 || isHarmless(first.map(([, cure]) => cure))) return new Map(first);
  return new Map(
    risks.flatMap((risk) => {
      const cure = risk.cures.find((one) => isHarmless([one]));
      return cure ? [[risk, cure] as const] : [];
    }),
  );
}

export const legOrder = { request: 0, forward: 1, reply: 2, answer: 3 };

/** A flow that is gone (its upstream was taken out) counts as mended. */
function isFurther(before: Walk, after: Walk | undefined): boolean {
  if (after?.end !== 'broken') return true;
  const [was, is] = [before.steps.at(-1), after.steps.at(-1)];
  if (!was || !is || isEarlier(before, after)) return false;
  return was.host !== is.host || was.code !== is.code || was.leg !== is.leg || was.packet.mark !== is.packet.mark;
}

function isEarlier(before: Walk, after: Walk | undefined): boolean {
  if (after?.end !== 'broken') return false;
  const [was, is] = [before.steps.at(-1)?.leg ?? 'request', after.steps.at(-1)?.leg ?? 'request'];
  return legOrder[is] < legOrder[was] || (is === was && after.steps.length < before.steps.length);
}
