import { withFact } from '../cures/snapshot.js';
import { type SourceVerdict, validateSource } from '../path/routing.js';
import { walk } from '../path/walk.js';
import { routingState } from '../path/world.js';
import type { Case, Facts, Step, Walk } from '../types.js';

/** Why source validation refuses the packet of a step, with some sysctls changed to try what they do. IPv4 only. */
export function sourceVerdict(c: Case, step: Step, changed: Facts['sysctls'] = {}): SourceVerdict | undefined {
  const state = routingState(c.snapshots.get(step.host));
  if (!state || step.in === undefined || step.packet.family !== 4) return undefined;
  const { source: from, destination: to, mark, protocol: ipProtocol, sourcePort, destinationPort } = step.packet;
  return validateSource(
    { ...state, sysctls: { ...state.sysctls, ...changed } },
    {
      family: 4,
      from,
      to,
      mark,
      iif: step.in,
      ipProtocol,
      ...(sourcePort === undefined ? {} : { sourcePort }),
      ...(destinationPort === undefined ? {} : { destinationPort }),
    },
  );
}

/** Loose mode alone would let the packet of a step in; what strict and loose both refuse has another cause. */
export function isStrictAlone(c: Case, step: Step): boolean {
  const verdict = sourceVerdict(c, step);
  if (verdict?.valid !== false || verdict.reason !== 'strict' || step.in === undefined) return false;
  return sourceVerdict(c, step, { [linkSysctl(step.in, 'rp_filter')]: '2' })?.valid === true;
}

/** How a request that an upstream's strict source validation drops would go on in loose mode; any other walk as it is. */
export function loosened(c: Case, dropped: Walk): Walk {
  const step = dropped.steps.at(-1);
  const strict = dropped.end === 'broken' && step?.code === 'source-invalid' && step.leg === 'forward' && isStrictAlone(c, step);
  if (!strict || step.in === undefined) return dropped;
  return walkedWith(c, dropped, step.host, { [linkSysctl(step.in, 'rp_filter')]: '2' });
}

/** How a reply of method 1 that another host than nginx's takes in and does not forward would go on if it did; any other walk as it is. */
export function forwarded(c: Case, stopped: Walk): Walk {
  const step = stopped.steps.at(-1);
  const astray = stopped.end === 'broken' && step?.code === 'not-forwarded' && step.leg === 'reply' && step.host !== stopped.service.host;
  if (!astray || stopped.service.mode !== 'transparent') return stopped;
  const key = step.packet.family === 6 ? 'net/ipv6/conf/all/forwarding' : 'net/ipv4/ip_forward';
  return walkedWith(c, stopped, step.host, { [key]: '1' });
}

function walkedWith(c: Case, before: Walk, host: string, changed: Facts['sysctls']): Walk {
  const { service, client, clientAssumed, upstream } = before;
  const { address } = upstream;
  const snapshot = c.snapshots.get(host);
  if (!snapshot || address === undefined) return before;
  const after = withFact(snapshot, 'sysctls', (sysctls) => ({ ...sysctls, ...changed }));
  return walk(new Map(c.snapshots).set(host, after), service, { address: client, assumed: clientAssumed }, { ...upstream, address });
}

/** A per-link IPv4 sysctl's path below /proc/sys. */
export function linkSysctl(link: string, name: string): string {
  return `net/ipv4/conf/${link}/${name}`;
}
