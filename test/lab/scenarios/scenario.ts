import type { ArticleOptions } from '../article.js';
import type { Change } from '../lab.js';
import type { ProbeService } from '../probe.js';

/** A change to the healthy lab, and what follows from it. */
export interface Scenario extends ArticleOptions {
  /** Unique over all scenarios. A fault's is its cause, with ` (variant)` where a cause has several. */
  name: string;
  changes: readonly Change[];
}

export interface Fault extends Scenario {
  /** Id from the catalogue of causes. */
  cause: string;
  /** A risk works most of the time: its probes may all pass. */
  severity: 'fault' | 'risk';
  /** Where the cure is typed. */
  host: string;
  /** Probes that fail while the others pass; for a risk those that may fail. */
  fails: readonly ProbeService[];
  /** The fix can only leave this upstream out until its service runs again. */
  leftOut?: string;
  /** A destination that upstreams must reach; the fault is that they cannot. */
  outbound?: string;
  /** Where it is not plain that the cause is the cause: the cure that proves it. */
  cure?: readonly Change[];
}

/** Odd but whole: every probe passes. */
export interface Oddity extends Scenario {
  /** Services that this setup does not offer. */
  lacks?: readonly ProbeService[];
}

/** A fault named like its cause. */
export function fault(cause: string, host: string, fails: readonly ProbeService[], changes: readonly Change[], variant?: string): Fault {
  return { name: variant === undefined ? cause : `${cause} (${variant})`, cause, severity: 'fault', host, fails, changes };
}
