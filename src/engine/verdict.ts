import type { Case, Diagnosis, NotExamined, ReportedHost, Verdict } from '../types.js';

export interface VerdictInput {
  hosts: readonly ReportedHost[];
  diagnoses: readonly Diagnosis[];
  /** Things that could hide a fault on a service's path. */
  doubts: readonly NotExamined[];
  case: Case;
}

/** A fault that is proven or consistent beats doubt; doubt beats health. */
export function verdictOf({ hosts, diagnoses, doubts, case: c }: VerdictInput): Verdict {
  const faults = diagnoses.filter((diagnosis) => diagnosis.severity === 'fault');
  if (faults.some((diagnosis) => diagnosis.certainty !== 'possible')) return 'faulty';
  // Packets alone, without any configuration, can show that all is well.
  const isBlind = c.observed === undefined && (c.services.length === 0 || c.walks.length === 0);
  const inDoubt = faults.length > 0 || doubts.length > 0 || hosts.some((host) => !host.reached) || isBlind;
  return inDoubt ? 'undetermined' : 'healthy';
}

/** 0 healthy, 1 faulty, 2 undetermined; the same for every output format. */
export function exitCodeOf(verdict: Verdict): 0 | 1 | 2 {
  return verdict === 'healthy' ? 0 : verdict === 'faulty' ? 1 : 2;
}
