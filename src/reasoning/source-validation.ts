import { type SourceVerdict, validateSource } from '../path/routing.js';
import { routingState } from '../path/world.js';
import type { Case, Facts, Step } from '../types.js';

/** Why source validation refuses the packet of a step, with some sysctls changed to try what they do. IPv4 only. */
export function sourceVerdict(c: Case, step: Step, changed: Facts['sysctls'] = {}): SourceVerdict | undefined {
  const state = routingState(c.snapshots.get(step.host));
  if (!state || step.in === undefined || step.packet.family !== 4) return undefined;
  const { source: from, destination: to, mark } = step.packet;
  return validateSource({ ...state, sysctls: { ...state.sysctls, ...changed } }, { family: 4, from, to, mark, iif: step.in });
}

/** A per-link IPv4 sysctl's path below /proc/sys. */
export function linkSysctl(link: string, name: string): string {
  return `net/ipv4/conf/${link}/${name}`;
}
