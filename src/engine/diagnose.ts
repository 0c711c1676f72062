import type { Case, Conclusion, Cure, Diagnosis, Evidence, Rule, Snapshot, Walk } from '../types.js';
import { buildCase, type CaseOptions } from './case.js';
import { logEvidence } from './log-evidence.js';

export interface Diagnosed {
  diagnoses: Diagnosis[];
  /** Broken walks that no rule explains. */
  unexplained: Walk[];
  /** Rules that threw: our own errors, by cause. */
  crashes: Map<string, string>;
}

const mostRounds = 8;

/**
 * Finds root causes in the order in which they must be cured. Each round asks the rules about the case as it would be once
 * everything found so far is cured; so a fault hidden behind another is found, and a symptom of a cured fault is not.
 */
export function diagnose(first: Case, rules: ReadonlyMap<string, Rule>, options: CaseOptions): Diagnosed {
  const diagnoses: Diagnosis[] = [];
  const crashes = new Map<string, string>();
  let current = first;
  for (let round = 0; round < mostRounds; round++) {
    const found = [...rules].flatMap(([cause, rule]) =>
      conclusionsOf(rule, current, cause, crashes).map((conclusion) => ({ cause, conclusion })),
    );
    const fresh = found.filter(
      ({ cause, conclusion }) => !diagnoses.some((known) => known.cause === cause && known.host === conclusion.host),
    );
    if (fresh.length === 0) break;
    let snapshots = current.snapshots;
    for (const { cause, conclusion } of inCuringOrder(fresh)) {
      const cure = workingCure(current, conclusion, options);
      diagnoses.push(toDiagnosis(cause, conclusion, cure, first));
      if (cure) snapshots = applyCure(snapshots, cure);
    }
    if (snapshots === current.snapshots) break;
    current = buildCase(snapshots, options);
  }
  const explained = (walk: Walk) => diagnoses.some((known) => known.severity === 'fault' && known.services.includes(walk.service.id));
  const remaining = current.walks.filter((walk) => walk.end === 'broken' && !explained(walk));
  return { diagnoses: diagnoses.sort(bySeverity), unexplained: remaining, crashes };
}

/** What a rule concludes; one that throws costs the others nothing. */
function conclusionsOf(rule: Rule, c: Case, cause: string, crashes: Map<string, string>): readonly Conclusion[] {
  try {
    return rule.run(c);
  } catch (error) {
    crashes.set(cause, error instanceof Error ? error.message : String(error));
    return [];
  }
}

function applyCure(snapshots: Case['snapshots'], cure: Cure): ReadonlyMap<string, Snapshot> {
  const before = snapshots.get(cure.host);
  return before ? new Map(snapshots).set(cure.host, cure.apply(before)) : snapshots;
}

/** The first cure after which every explained path is whole, or at least gets further than before. */
function workingCure(c: Case, conclusion: Conclusion, options: CaseOptions): Cure | undefined {
  const broken = conclusion.walks.filter((walk) => walk.end === 'broken');
  if (broken.length === 0) return conclusion.cures[0];
  const outcomes = conclusion.cures.map((cure) => {
    const after = buildCase(applyCure(c.snapshots, cure), options);
    const twins = broken.map((walk) => ({ before: walk, after: after.walks.find((other) => sameFlow(walk, other)) }));
    return {
      cure,
      whole: twins.every((twin) => twin.after?.end !== 'broken'),
      further: twins.every((twin) => isFurther(twin.before, twin.after)),
    };
  });
  return (outcomes.find((outcome) => outcome.whole) ?? outcomes.find((outcome) => outcome.further))?.cure;
}

function sameFlow(a: Walk, b: Walk): boolean {
  return a.service.id === b.service.id && a.client === b.client && a.upstream.address === b.upstream.address;
}

const legOrder = { request: 0, forward: 1, reply: 2 };

/** A flow that is gone (its upstream was taken out) counts as mended. */
function isFurther(before: Walk, after: Walk | undefined): boolean {
  if (after?.end !== 'broken') return true;
  const [was, is] = [before.steps.at(-1), after.steps.at(-1)];
  if (!was || !is || (was.host === is.host && was.code === is.code && was.leg === is.leg)) return false;
  return legOrder[is.leg] > legOrder[was.leg] || (is.leg === was.leg && after.steps.length >= before.steps.length);
}

function toDiagnosis(cause: string, conclusion: Conclusion, cure: Cure | undefined, first: Case): Diagnosis {
  const { walks, cures: _cures, evidence, ...rest } = conclusion;
  const services = [...new Set(walks.map((walk) => walk.service.id))].sort();
  const log: Evidence[] = conclusion.severity === 'fault' ? logEvidence(first, walks) : [];
  return { cause, ...rest, services, evidence: uniqueEvidence([...evidence, ...log]), fix: [...(cure?.steps ?? [])] };
}

function uniqueEvidence(evidence: readonly Evidence[]): Evidence[] {
  const seen = new Map(evidence.map((entry) => [`${entry.host}\0${entry.what}\0${entry.source}`, entry]));
  return [...seen.values()];
}

/** Within one round: what stops the packet earlier is cured first. */
function inCuringOrder<T extends { conclusion: Conclusion }>(found: readonly T[]): T[] {
  const position = ({ conclusion }: T) =>
    Math.min(...conclusion.walks.map((walk) => legOrder[walk.steps.at(-1)?.leg ?? 'reply'] * 100 + walk.steps.length), 1000);
  return [...found].sort((a, b) => position(a) - position(b));
}

function bySeverity(a: Diagnosis, b: Diagnosis): number {
  return Number(a.severity === 'risk') - Number(b.severity === 'risk');
}
