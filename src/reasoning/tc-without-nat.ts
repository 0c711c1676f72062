import { factOf } from '../path/world.js';
import type { Case, Evidence, Qdisc } from '../types.js';
import type { Unrewritten } from './unrewritten.js';

/** What somebody puts on a link to hang filters for leaving packets on; the kernel's own defaults (fq_codel, mq, noqueue) are none. */
const carriesFilters = new Set(['clsact', 'htb', 'prio', 'hfsc', 'drr', 'ets', 'qfq', 'cbq', 'multiq']);

/**
 * The queueing discipline without a single filter on the link by which a reply leaves the host that should rewrite it, and a kernel that
 * is known to lack act_nat: the filter for it could not be loaded.
 */
export function emptyQdisc(c: Case, { walk, at }: Pick<Unrewritten, 'walk' | 'at'>): Qdisc | undefined {
  const snapshot = c.snapshots.get(at);
  const control = factOf(snapshot, 'trafficControl');
  if (!control || factOf(snapshot, 'kernelFeatures')?.features.act_nat !== false) return undefined;
  const leaving = walk.steps.findLast((step) => step.leg === 'reply' && step.host === at && step.out !== undefined);
  if (control.filters.some(({ link }) => link === leaving?.out)) return undefined;
  return control.qdiscs.find(({ link, kind, handle }) => link === leaving?.out && handle !== '0:' && carriesFilters.has(kind));
}

/** The queueing discipline and the kernel, as the host tells of them. */
export function emptyQdiscEvidence(c: Case, host: string, { kind, handle, link }: Qdisc): Evidence[] {
  const release = factOf(c.snapshots.get(host), 'kernelFeatures')?.release ?? '';
  return [
    { host, what: `qdisc ${kind} ${handle}, and no filter on it`, source: `tc qdisc show dev ${link}` },
    { host, what: `kernel ${release} has no act_nat`, source: 'configuration and modules of the running kernel' },
  ];
}
