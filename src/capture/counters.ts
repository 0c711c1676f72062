import type { CounterDelta, Host } from '../types.js';
import type { Counter, Counters } from './counters/counter.js';
import { readKernelCounters } from './counters/kernel.js';
import { readRuleCounters } from './counters/rules.js';

/** The counters of one host at one moment. */
export interface CounterReading {
  host: string;
  counters: Counters;
  /** Why some could not be read, a sentence each. */
  unread: readonly string[];
}

/** Rules that matched nothing are told up to this many: some hosts have thousands that have nothing to do with the case. */
const mostUnmatched = 1000;
/** Characters of a name; a rule can be of any length. */
const longestName = 1000;

/** Reads what may move while packets are captured; nothing on the host changes, and no module is loaded. `name` is the host's. */
export async function readCounters(host: Host, name: string): Promise<CounterReading> {
  const [kernel, rules] = await Promise.all([readKernelCounters(host), readRuleCounters(host)]);
  const ofKernel = kernel.map((counter): [string, Counter] => [`${counter.source.split(' ')[0]}\n${counter.name}`, counter]);
  return { host: name, counters: new Map([...ofKernel, ...rules.counters]), unread: rules.unread };
}

/**
 * What moved between two readings of one host, and which rules and filters matched nothing. Left out is what one reading has alone (a rule
 * that was added or changed) and what went back (counters that were reset).
 */
export function differ(before: CounterReading, after: CounterReading): CounterDelta[] {
  const both = [...after.counters].flatMap(([key, counter]) => {
    const old = before.counters.get(key);
    return old === undefined ? [] : [{ counter, delta: counter.value - old.value }];
  });
  const moved = both.filter(({ delta }) => delta > 0);
  const unmatched = both.filter(({ counter, delta }) => delta === 0 && counter.kind === 'rule');
  return [...moved, ...unmatched.slice(0, mostUnmatched)].map(({ counter: { name, source, scope }, delta }) => ({
    host: after.host,
    name: name.slice(0, longestName),
    delta,
    source,
    ...(scope === undefined ? {} : { scope }),
  }));
}
