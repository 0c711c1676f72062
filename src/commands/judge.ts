import { loadChecks, loadRules } from '../engine/catalogue.js';
import type { Observation, Report } from '../types.js';
import type { Gathered } from './gather.js';
import type { CheckOptions } from './options.js';
import { selects } from './selection.js';

/** From what was gathered to the report; `started` is in milliseconds since the epoch. */
export type Judge = (
  gathered: Pick<Gathered, 'snapshots' | 'hosts' | 'caseOptions'>,
  options: Pick<CheckOptions, 'version' | 'only' | 'skip'>,
  started: number,
  traced?: Traced,
) => Report;

/** What packets showed, and the services that they were looked at for. */
export interface Traced {
  observed: Observation;
  about?: ReadonlySet<string>;
}

export async function loadJudge(): Promise<Judge> {
  const [{ examine }, checks, rules] = await Promise.all([import('../engine/examine.js'), loadChecks(), loadRules()]);
  return ({ snapshots, hosts, caseOptions }, options, started, traced) => {
    const [chosenChecks, skippedChecks] = choose(checks, options);
    const [chosenRules, skippedRules] = choose(rules, options);
    const examined = examine({
      snapshots,
      hosts,
      options: caseOptions,
      checks: chosenChecks,
      rules: chosenRules,
      skipped: [...new Set([...skippedChecks, ...skippedRules])],
      ...(traced ? { observed: traced.observed, ...(traced.about ? { about: traced.about } : {}) } : {}),
    });
    return {
      schema: 'tpdoctor.report/1',
      tool: { name: 'tpdoctor', version: options.version },
      command: traced ? 'trace' : 'check',
      startedAt: new Date(started).toISOString(),
      tookMs: Date.now() - started,
      ...examined,
    };
  };
}

function choose<T>(catalogue: ReadonlyMap<string, T>, options: Pick<CheckOptions, 'only' | 'skip'>): [Map<string, T>, string[]] {
  const chosen = [...catalogue].filter(([id]) => selects(id, options));
  return [new Map(chosen), [...catalogue.keys()].filter((id) => !selects(id, options))];
}
