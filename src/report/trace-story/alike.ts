import type { TracePattern } from '../../types.js';

/** Groups patterns that differ only in the upstream and in how often a packet was sent again: each group is told by its first. */
export function alike(patterns: readonly TracePattern[]): TracePattern[][] {
  const groups = new Map<string, TracePattern[]>();
  for (const pattern of patterns.toSorted((a, b) => b.count - a.count)) {
    const shape = shapeOf(pattern);
    groups.set(shape, [...(groups.get(shape) ?? []), pattern]);
  }
  return [...groups.values()].map((group) => group.toSorted((a, b) => b.count - a.count));
}

/** Hosts by the order in which the packet came to them, notes without the upstream's address. */
function shapeOf({ service, upstream, end, path, vanishedAfter, neverSeenBy, endsAt }: TracePattern): string {
  const hosts = [...new Set([...path, ...(neverSeenBy ? [neverSeenBy] : [])].map(({ host }) => host))];
  const place = (point: { host: string; iface: string } | undefined) => point && [hosts.indexOf(point.host), point.iface];
  const steps = path.map((step) => [
    place(step),
    step.dir,
    step.leg,
    upstream === undefined
      ? step.note
      : step.note
          ?.split(upstream)
          .join('#')
          .replace(/\b\d+ times\b/, ''),
  ]);
  return JSON.stringify([service, end, steps, place(vanishedAfter), place(neverSeenBy), endsAt, upstream === undefined]);
}
