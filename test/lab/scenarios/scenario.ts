import type { Change } from '../lab.js';
import type { OnTopology, TopologyName } from '../topologies.js';

/** A change to a healthy lab, and what follows from it. Probes are named as its topology names them. */
export interface Scenario extends OnTopology {
  /** Unique over all scenarios. A fault's or risk's is its cause, with ` (variant)` where a cause has several. */
  name: string;
  changes: readonly Change[];
}

/** What a change is the cause of. */
interface Judged extends Scenario {
  /** Id from the catalogue of causes. */
  cause: string;
  /** Where the cure is typed. */
  host: string;
}

export interface Fault extends Judged {
  severity: 'fault';
  /** Probes that fail while the others pass. */
  fails: readonly string[];
  /** The fix can only leave this upstream out until its service runs again. */
  leftOut?: string;
  /** A destination that upstreams must reach; the fault is that they cannot. */
  outbound?: string;
  /** Where it is not plain that the cause is the cause: the cure that proves it. */
  cure?: readonly Change[];
}

/** Works now, or most of the time, and will bite. */
export interface Risk extends Judged {
  severity: 'risk';
  /** Probes of which some requests are lost, out of a hundred at least one. All other probes pass. */
  loses?: readonly string[];
  /** Risks that the change brought about too and the cure leaves, as `risk CAUSE on HOST`. */
  leaves?: readonly string[];
}

/** Odd but whole: every probe passes. */
export interface Oddity extends Scenario {
  /** Services that this setup does not offer. */
  lacks?: readonly string[];
}

const named = (cause: string, variant?: string): string => (variant === undefined ? cause : `${cause} (${variant})`);

/** A fault named like its cause. */
export function fault(cause: string, host: string, fails: readonly string[], changes: readonly Change[], variant?: string): Fault {
  return { name: named(cause, variant), cause, severity: 'fault', host, fails, changes };
}

/** A risk named like its cause. */
export function risk(cause: string, host: string, changes: readonly Change[], loses: readonly string[] = [], variant?: string): Risk {
  return { name: named(cause, variant), cause, severity: 'risk', host, changes, loses };
}

/** The same, on another topology than the article's. */
export const onTopology = <S extends Scenario>(topology: TopologyName, scenarios: readonly S[]): S[] =>
  scenarios.map((scenario) => ({ ...scenario, topology }));
