import type { ArticleOptions } from '../article.js';
import type { Change } from '../lab.js';
import type { ProbeService } from '../probe.js';

/** A change to the healthy lab, and what follows from it. */
export interface Scenario extends ArticleOptions {
  /** Unique over all scenarios: `proxy/mark-rule-missing`, with ` (nft)` or the like where a cause has several. */
  name: string;
  changes: readonly Change[];
}

export interface Fault extends Scenario {
  /** Id from the catalogue of causes. */
  cause: string;
  severity: 'fault' | 'risk';
  /** Where the cure is typed. */
  host: string;
  /** Probes that fail while the others pass. A risk fails only now and then. */
  fails: readonly ProbeService[];
}

/** Odd but whole: every probe passes. */
export type Oddity = Scenario;
