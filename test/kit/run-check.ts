import { runChecks } from '../../src/engine/run-checks.js';
import type { Check, FactName, Finding } from '../../src/types.js';
import { type ArticleOptions, articleCase, type Change } from './article.js';

/** The findings of one check on one host of the article's case. */
export function findingsOf<N extends FactName>(
  check: Check<N>,
  host: string,
  change: Change | readonly Change[] = [],
  options: Omit<ArticleOptions, 'change'> = {},
): Finding[] {
  const findings = runChecks(articleCase({ ...options, change }), new Map([['check', check as unknown as Check]]));
  return findings.filter((finding) => finding.host === host);
}

/** Its status for each service, or for the host (under its name); several statuses joined by a comma. */
export function statusesOf<N extends FactName>(
  check: Check<N>,
  host: string,
  change: Change | readonly Change[] = [],
  options: Omit<ArticleOptions, 'change'> = {},
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const { service = host, status } of findingsOf(check, host, change, options)) {
    result[service] = service in result ? `${result[service]},${status}` : status;
  }
  return result;
}
