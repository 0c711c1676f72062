import type { Role } from './host.js';
import type { ServiceMode } from './nginx.js';
import type { Trace } from './trace.js';

/** What `--json` prints. */
export interface Report {
  schema: 'tpdoctor.report/1';
  tool: { name: 'tpdoctor'; version: string };
  command: 'check' | 'trace';
  /** ISO 8601. */
  startedAt: string;
  tookMs: number;
  verdict: Verdict;
  hosts: ReportedHost[];
  services: ReportedService[];
  /** Root causes, in the order in which they must be cured. */
  diagnoses: Diagnosis[];
  notExamined: NotExamined[];
  findings: Finding[];
  trace?: Trace;
}

/** Faulty: at least one fault that is proven or consistent. */
export type Verdict = 'healthy' | 'faulty' | 'undetermined';

export interface ReportedHost {
  name: string;
  target: string;
  roles: Role[];
  reached: boolean;
  why?: string;
  /** As far as they are known; of nginx, of each master that runs. */
  versions?: { os: string; kernel: string; nginx: string[] };
}

export interface ReportedService {
  id: string;
  host: string;
  protocol: 'http' | 'tcp' | 'udp';
  listen: string[];
  upstreams: string[];
  mode: ServiceMode;
  at: { file: string; line: number };
}

export interface Diagnosis {
  /** Id from the catalogue of causes; the rule's path. */
  cause: string;
  /** Where the cure is typed. */
  host: string;
  services: string[];
  severity: 'fault' | 'risk';
  certainty: 'proven' | 'consistent' | 'possible';
  summary: string;
  /** The reasoning, in order, for a person to follow. */
  steps: string[];
  evidence: Evidence[];
  /** Symptoms folded under this cause. */
  explains: string[];
  fix: FixStep[];
  verify: string[];
  /** What would raise the certainty. */
  settle?: string;
}

export interface Evidence {
  host: string;
  what: string;
  /** file:line, command, counter, packet reference. */
  source: string;
}

/** Can be carried out as it stands, as root, in this order. `run` is POSIX sh inside the host's own namespaces and exits 0 on success. */
export type FixStep =
  | { host: string; kind: 'command'; run: string; undo?: string; persist?: string; why: string }
  | { host: string; kind: 'edit'; file: string; line: number; remove: string | null; insert: string | null; why: string };

export interface NotExamined {
  what: string;
  why: string;
  settle?: string;
}

export type FindingStatus = 'pass' | 'fail' | 'warn' | 'skip' | 'unknown' | 'crash';

export interface Finding {
  check: string;
  host: string;
  service?: string;
  status: FindingStatus;
  message: string;
  evidence?: Evidence[];
}
