import type { FactName, Facts, Snapshot } from './facts.js';
import type { Role } from './host.js';
import type { Service } from './nginx.js';
import type { Diagnosis, Evidence, Finding, FindingStatus, FixStep } from './report.js';
import type { Observation } from './trace.js';
import type { Step, Walk } from './walk.js';

/** What a check may know besides the facts it declares. */
export interface Scope {
  host: string;
  roles: readonly Role[];
  /** Services that this host takes part in: as proxy its own, as upstream or router those whose packets it sees. */
  services: readonly Service[];
  /** Steps of the predicted walks that lie on this host. */
  walks: readonly Walk[];
  clients: readonly string[];
}

/** One thing a check has to say. `service` is an id. */
export interface Hit {
  status: Exclude<FindingStatus, 'crash' | 'skip'>;
  message: string;
  service?: string;
  evidence?: Evidence[];
}

/** What is true of one host. A missing fact makes the finding `unknown` before `run` is asked. No hit means: does not apply here. */
export interface Check<N extends FactName = FactName> {
  /** A positive sentence: "worker may bind to foreign addresses". */
  title: string;
  /** Roles it applies to. */
  roles: readonly Role[];
  needs: readonly N[];
  why: string;
  fix: string;
  run(facts: Pick<Facts, N>, scope: Scope): readonly Hit[];
}

/** A cure: the steps a person types, and what they do to a snapshot, so that the path can be walked again before they are printed. */
export interface Cure {
  steps: readonly FixStep[];
  apply(snapshot: Snapshot): Snapshot;
  host: string;
}

/** Everything known about the whole setup. */
export interface Case {
  snapshots: ReadonlyMap<string, Snapshot>;
  /** The hosts as they were read, where `snapshots` are copies on which cures were carried out. */
  read?: ReadonlyMap<string, Snapshot>;
  roles: ReadonlyMap<string, readonly Role[]>;
  services: readonly Service[];
  clients: readonly string[];
  walks: readonly Walk[];
  findings: readonly Finding[];
  /** What packets showed; absent when none were captured. */
  observed?: Observation;
}

/** What a rule concludes. The engine tests the cure, fills `fix` from it and drops what the cure does not mend. */
export interface Conclusion extends Omit<Diagnosis, 'fix' | 'cause' | 'services'> {
  /** The walks it explains; their services are the diagnosis's. */
  walks: readonly Walk[];
  cures: readonly Cure[];
}

/** What kind of thing a cure changes: how it survives a reboot follows from it and from the distribution. */
export type Touched =
  | 'nginx'
  | 'sysctl'
  | 'firewall'
  | 'route'
  | 'policy-rule'
  | 'traffic-control'
  | 'unit'
  | 'package'
  | 'platform'
  | 'server';

/** One root cause over the whole case; its id is its path below rules/. All but `run` is its page in `tpdoctor explain`. */
export interface Rule {
  /** What is wrong: "no rule marks the upstreams' replies". */
  title: string;
  /** What it means: the mechanism, for somebody who does not know it yet. */
  why: string;
  /** How it looks: what the client gets and what logs and counters say; what captures at each host show. */
  signs: { logs: string; packets: string };
  /** What proves it, and what only looks like it. */
  proof: string;
  /** The cure in words with example commands, and what it changes. In `how` a line that begins with two blanks is a command (sh -n takes it); other lines are paragraphs. */
  cure: { how: string; touches: readonly Touched[] };
  run(c: Case): readonly Conclusion[];
}

export type BrokenWalk = Walk & { end: 'broken'; last: Step };
