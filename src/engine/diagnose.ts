import { changesForOthers } from '../reasoning/co-tenants.js';
import type { Case, Conclusion, Diagnosis, Evidence, Rule, Walk } from '../types.js';
import { buildCase, type CaseOptions } from './case.js';
import { logEvidence } from './log-evidence.js';
import { withObserved } from './observed.js';
import { applyCure, flowKey, harmlessCures, legOrder, type TriedCure, workingCure } from './working-cure.js';

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
 * everything found so far is cured; so a fault hidden behind another is found, and a symptom of a cured fault is not. Risks are what the
 * rules still have to say when no fault is left.
 */
export function diagnose(first: Case, rules: ReadonlyMap<string, Rule>, options: CaseOptions): Diagnosed {
  const known = new Map<string, Known>();
  const crashes = new Map<string, string>();
  const broken = new Set(first.walks.filter(({ end }) => end === 'broken').map(flowKey));
  let current = first;
  for (let round = 0; round < mostRounds; round++) {
    const fresh = findings(current, rules, crashes).filter(
      (each) => isPressing(each) && isFounded(each, broken) && isNews(each, known.get(idOf(each))),
    );
    let snapshots = current.snapshots;
    for (const each of inCuringOrder(fresh)) {
      const tried = triedCure(...asNow(current, snapshots, each, options), options, crashes);
      known.set(idOf(each), learn(known.get(idOf(each)), toDiagnosis(each, tried, first), each.conclusion.walks));
      if (tried) snapshots = applyCure(snapshots, tried.cure);
    }
    if (snapshots === current.snapshots) break;
    current = { ...buildCase(snapshots, options), read: first.snapshots };
  }
  const pressing = [...known.values()];
  const explained = (walk: Walk) =>
    pressing.some(
      ({ diagnosis, flows }) =>
        flows.has(flowKey(walk)) || (diagnosis.severity === 'fault' && diagnosis.services.includes(walk.service.id)),
    );
  const unexplained = current.walks.filter((walk) => walk.end === 'broken' && !explained(walk));
  // What packets showed is of the setup as it is: it says nothing of a mended copy.
  const seen = pressing.length === 0 && first.observed ? { observed: first.observed } : {};
  const risks = riskDiagnoses({ ...current, ...seen, read: first.snapshots }, rules, options, crashes).filter(
    ({ cause, host }) => !known.has(`${cause} ${host}`),
  );
  const diagnoses = [...pressing.map(({ diagnosis }) => diagnosis), ...risks].sort(bySeverity);
  return { diagnoses, unexplained, crashes, cured: current };
}

function findings(c: Case, rules: ReadonlyMap<string, Rule>, crashes: Map<string, string>): Found[] {
  return [...rules].flatMap(([cause, rule]) => conclusionsOf(rule, c, cause, crashes).map((conclusion) => ({ cause, rule, conclusion })));
}

/** A fault, or a risk that a predicted path breaks by, though nobody was seen to take it. */
function isPressing({ conclusion: { severity, walks } }: Found): boolean {
  return severity === 'fault' || walks.some(({ end }) => end === 'broken');
}

/** What breaks on a mended copy only, where the way was unknown before, is nothing that anybody has seen. */
function isFounded({ conclusion: { walks } }: Found, brokenAtFirst: ReadonlySet<string>): boolean {
  const broken = walks.filter(({ end }) => end === 'broken');
  return broken.length === 0 || broken.some((walk) => brokenAtFirst.has(flowKey(walk)));
}

function riskDiagnoses(c: Case, rules: ReadonlyMap<string, Rule>, options: CaseOptions, crashes: Map<string, string>): Diagnosis[] {
  const risks = findings(c, rules, crashes).filter((found) => !isPressing(found) && found.conclusion.severity === 'risk');
  const cures = harmlessCures(
    c,
    risks.map(({ conclusion }) => conclusion),
    options,
  );
  return risks.map((risk) => {
    const cure = cures.get(risk.conclusion);
    return toDiagnosis(risk, cure && { cure, losses: [] }, c);
  });
}

function idOf({ cause, conclusion }: Found): string {
  return `${cause} ${conclusion.host}`;
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

/**
 * What a rule concludes once the cures before it in this round are carried out on that host: places in chains and free names are other ones
 * then. Where it has nothing to say any more, its cure is the one that it had.
 */
function asNow(current: Case, snapshots: Case['snapshots'], found: Found, options: CaseOptions): [Case, Found] {
  const { host } = found.conclusion;
  if (snapshots.get(host) === current.snapshots.get(host)) return [current, found];
  const now: Case = { ...buildCase(snapshots, options), read: current.read ?? current.snapshots };
  const conclusion = conclusionsOf(found.rule, now, found.cause, new Map()).find((other) => other.host === host);
  return conclusion ? [now, { ...found, conclusion }] : [current, found];
}

/** A rule that throws when it is asked about the mended case is our own error, and costs its cure. */
function triedCure(c: Case, { cause, rule, conclusion }: Found, options: CaseOptions, crashes: Map<string, string>): TriedCure | undefined {
  try {
    return workingCure(c, rule, conclusion, options);
  } catch (error) {
    crashes.set(cause, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function toDiagnosis({ cause, conclusion }: Found, tried: TriedCure | undefined, first: Case): Diagnosis {
  const { walks, cures: _cures, evidence, steps, ...rest } = conclusion;
  const services = [...new Set(walks.map((walk) => walk.service.id))].sort();
  const log: Evidence[] = conclusion.severity === 'fault' ? logEvidence(first, walks) : [];
  const diagnosis = {
    cause,
    ...rest,
    steps: [...steps, ...lossesOf(tried), ...sideEffectsOf(tried, first)],
    services,
    evidence: uniqueEvidence([...evidence, ...log]),
    fix: [...(tried?.cure.steps ?? [])],
  };
  return withObserved(first, diagnosis, walks);
}

/** What the cure changes for others on its host. */
function sideEffectsOf(tried: TriedCure | undefined, c: Case): string[] {
  const before = tried && c.snapshots.get(tried.cure.host);
  if (!tried || !before) return [];
  return changesForOthers(before, tried.cure.apply(before)).map((change) => `the cure also changes this: ${change}`);
}

/** What others would lose by the cure, when no other cure helps. */
function lossesOf(tried: TriedCure | undefined): string[] {
  const services = [...new Set(tried?.losses.map(({ service }) => service.id))];
  return services.length > 0 ? [`the cure has a price: ${services.join(', ')} would lose paths that are whole now`] : [];
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
