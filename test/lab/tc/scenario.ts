import type { Change } from '../lab.js';
import type { Method } from './methods.js';
import type { Observed } from './session.js';

/** A change to a healthy setup, and what must be seen then. */
export interface TcScenario {
  name: string;
  method: Method;
  changes: readonly Change[];
  expected: Observed;
}

const everything = ['dns53', 'dns5353'];

/** Breaks services; its cause is found alone, and the printed fix mends it. */
export const fault = (
  method: Method,
  cause: string,
  variant: string,
  host: string,
  changes: readonly Change[],
  fails: string[] = everything,
): TcScenario => ({
  name: `${method}: ${cause} (${variant})`,
  method,
  changes,
  expected: { fails, exitCode: 1, verdict: 'faulty', diagnosed: [`fault ${cause} on ${host}`], failsAfterFix: [] },
});

/** Works, and is not accused. */
export const healthy = (method: Method, name: string, changes: readonly Change[]): TcScenario => ({
  name: `${method}: ${name}`,
  method,
  changes,
  expected: { fails: [], exitCode: 0, verdict: 'healthy', diagnosed: [] },
});
