import type { Diagnosis } from '../../src/types.js';

/** Risks that the article's setup has while all is well. A test of something else does not count them; each has a test of its own. */
const standingRisks: ReadonlySet<string> = new Set([
  // DNS by Direct Server Return: no health check, and workers that may not bind to a client's port below 1024.
  'nginx/no-active-health-check',
  'nginx/low-client-port-denied',
  // tc filters that match a port, as the article has them.
  'dsr/fragments-not-rewritten',
  // Marks for a protocol and port.
  'proxy/icmp-errors-not-intercepted',
]);

/** What a change led to: everything diagnosed but risks that were there before. */
export function broughtAbout<T extends Pick<Diagnosis, 'cause' | 'severity'>>(diagnoses: readonly T[]): T[] {
  return diagnoses.filter(({ cause, severity }) => severity === 'fault' || !standingRisks.has(cause));
}
