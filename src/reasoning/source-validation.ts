import { withFact } from '../cures/snapshot.js';
import { type SourceVerdict, validateSource } from '../path/routing.js';
import { walk } from '../path/walk.js';
import { routingState } from '../path/world.js';
import type { Case, Facts, Step, Walk } from '../types.js';

/** Why source validation refuses the packet of a step, with some sysctls changed to try what they do. IPv4 only. */
export function sourceVerdict(c: Case, step: Step, changed: Facts['sysctls'] = {}): SourceVerdict | undefined {
  const state = routingState(c.snapshots.get(step.host));
  if (!state || step.in === undefined || step.packet.family !== 4) return undefined;
  const { source: from, destination: to, mark } = step.packet;
  return validateSource({ ...state, sysctls: { ...state.sysctls, ...changed } }, { family: 4, from, to, mark, iif: step.in });
}

/** Loose mode alone would let the packet of a step in; what strict and loose both refuse has another cause. */
export function isStrictAlone(c: Case, step: Step): boolean {
  const verdict = sourceVerdict(c, step);
  if (verdict?.valid !== false || verdict.reason !== 'strict' || step.in === undefined) return false;
  return sourceVerdict(c, step, { [linkSysctl(step.in, 'rp_filter')]: '2' })?.valid === true;
}

/** How a request that an upstream's strict source validation drops would go on in loose mode; any other walk as it is. */
export function loosened(c: Case, dropped: Walk): Walk {
  const { service, client, clientAssumed, upstream, steps, end } = dropped;
  const step = steps.at(-1);
  const { address } = upstream;
  const strict = end === 'broken' && step?.code === 'source-invalid' && step.leg === 'forward' && isStrictAlone(c, step);
  const snapshot = step && c.snapshots.get(step.host);
  if (!strict || !snapshot || step.in === undefined || address === undefined) return dropped;
  const loose = { [linkSysctl(step.in, 'rp_filter')]: '2' };
  const after = withFact(snapshot, 'sysctls', (sysctls) => ({ ...sysctls, ...loose }));
  return walk(new Map(c.snapshots).set(step.host, after), service, { address: client, assumed: clientAssumed }, { ...upstream, address });
}

/** A per-link IPv4 sysctl's path below /proc/sys. */
export function linkSysctl(link: string, name: string): string {
  return `net/ipv4/conf/${link}/${name}`;
}
