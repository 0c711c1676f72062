import type { Case, Conclusion, Cure, Diagnosis, Evidence, Rule, Snapshot, Walk } from '../types.js';
import { buildCase, type CaseOptions } from './case.js';
import { logEvidence } from './log-evidence.js';

export interface Diagnosed {
  diagnoses: Diagnosis[];
  /** Broken walks that no rule explains. */
  unexplained: Walk[];
  /** Rules that threw: our own errors, by cause. */
  crashes: Map<string, string>;
  /** The case as it would be once every cure was carried out. */
  cured: Case;
}

interface Found {
  cause: string;
  rule: Rule;
  conclusion: Conclusion;
}

/** A diagnosis and the walks it rests on, each told by `flowKey`. */
interface Known {
  diagnosis: Diagnosis;
  flows: ReadonlySet<string>;
}

const mostRounds = 8;

/**
 * Finds root causes in the order in which they must be cured. Each round asks the rules about the case as it would be once
 * everything found so far is cured; so a fault hidden behind another is found, and a symptom of a cured fault is not.
 */
export function diagnose(first: Case, rules: ReadonlyMap<string, Rule>, options: CaseOptions): Diagnosed {
  const known = new Map<string, Known>();
  const crashes = new Map<string, string>();
  let current = first;
  for (let round = 0; round < mostRounds; round++) {
    const found = [...rules].flatMap(([cause, rule]) =>
      conclusionsOf(rule, current, cause, crashes).map((conclusion): Found => ({ cause, rule, conclusion })),
    );
    const fresh = found.filter((each) => isNews(each, known.get(idOf(each))));
    if (fresh.length === 0) break;
    let snapshots = current.snapshots;
    for (const each of inCuringOrder(fresh)) {
      const cure = workingCure(current, each, options);
      known.set(idOf(each), learn(known.get(idOf(each)), toDiagnosis(each, cure, first), each.conclusion.walks));
      if (cure) snapshots = applyCure(snapshots, cure);
    }
    if (snapshots === current.snapshots) break;
    current = buildCase(snapshots, options);
  }
  const diagnoses = [...known.values()].map(({ diagnosis }) => diagnosis).sort(bySeverity);
  const explained = (walk: Walk) =>
    diagnoses.some((each) => each.severity === 'fault' && each.services.includes(walk.service.id)) ||
    [...known.values()].some(({ flows }) => flows.has(flowKey(walk)));
  const unexplained = current.walks.filter((walk) => walk.end === 'broken' && !explained(walk));
  return { diagnoses, unexplained, crashes, cured: current };
}

function idOf({ cause, conclusion }: Found): string {
  return `${cause} ${conclusion.host}`;
}

function flowKey({ service, client, upstream }: Walk): string {
  return `${service.id} ${client} ${upstream.address}`;
}

/** The same cause on the same host is news where it breaks paths that another fault has hidden until now. */
function isNews({ conclusion }: Found, known: Known | undefined): boolean {
  return known === undefined || conclusion.walks.some((walk) => walk.end === 'broken' && !known.flows.has(flowKey(walk)));
}

/** One cause on one host is one diagnosis, however many rounds it took to see all of it. */
function learn(known: Known | undefined, more: Diagnosis, walks: readonly Walk[]): Known {
  const flows = new Set([...(known?.flows ?? []), ...walks.map(flowKey)]);
  if (!known) return { diagnosis: more, flows };
  const { diagnosis } = known;
  const union = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])];
  return {
    flows,
    diagnosis: {
      ...diagnosis,
      services: union(diagnosis.services, more.services).sort(),
      explains: union(diagnosis.explains, more.explains),
      verify: union(diagnosis.verify, more.verify),
      evidence: uniqueEvidence([...diagnosis.evidence, ...more.evidence]),
      fix: [...diagnosis.fix, ...more.fix],
    },
  };
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

/**
 * The first cure after which every explained path is whole, else one after which it gets further, else one after which this cause no
 * longer breaks it: of a missing policy rule and an empty table behind it, curing the first does not move the packet. One that breaks
 * what was whole comes last.
 */
function workingCure(c: Case, { cause, rule, conclusion }: Found, options: CaseOptions): Cure | undefined {
  const broken = conclusion.walks.filter((walk) => walk.end === 'broken');
  if (broken.length === 0) return conclusion.cures[0];
  const outcomes = conclusion.cures.map((cure) => {
    const after = buildCase(applyCure(c.snapshots, cure), options);
    const twins = broken.map((walk) => ({ before: walk, after: after.walks.find((other) => flowKey(walk) === flowKey(other)) }));
    const blamed = () =>
      conclusionsOf(rule, after, cause, new Map()).some(
        ({ host, walks }) => host === conclusion.host && twins.some((twin) => twin.after !== undefined && walks.includes(twin.after)),
      );
    return {
      cure,
      whole: twins.every((twin) => twin.after?.end !== 'broken'),
      further: twins.every((twin) => isFurther(twin.before, twin.after)),
      past: twins.every((twin) => !isEarlier(twin.before, twin.after)) && !blamed(),
      harmless: !breaksOthers(c, after),
    };
  });
  const ranked = [...outcomes.filter(({ harmless }) => harmless), ...outcomes.filter(({ harmless }) => !harmless)];
  const best = ranked.find(({ whole }) => whole) ?? ranked.find(({ further }) => further) ?? ranked.find(({ past }) => past);
  return best?.cure;
}

function breaksOthers(before: Case, after: Case): boolean {
  const whole = new Set(before.walks.filter(({ end }) => end === 'whole').map(flowKey));
  return after.walks.some((walk) => walk.end === 'broken' && whole.has(flowKey(walk)));
}

const legOrder = { request: 0, forward: 1, reply: 2 };

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

function toDiagnosis({ cause, conclusion }: Found, cure: Cure | undefined, first: Case): Diagnosis {
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
