import type { Case, Diagnosis, NotExamined, PointCount, TracePattern } from '../types.js';

/** What packets leave open: none were seen, some could not be told apart, or some were lost and nothing explains it. */
export function findPacketDoubts(c: Case, diagnoses: readonly Diagnosis[]): NotExamined[] {
  const { observed } = c;
  if (observed === undefined) return [];
  if (observed.transactions.total === 0)
    return [
      {
        what: 'packets of the services',
        ...unseen(observed.points.length),
      },
    ];
  const missed = observed.transactions.ambiguous > 0 ? observed.points.flatMap(missing) : [];
  if (observed.transactions.total === observed.transactions.ambiguous)
    return [
      ...missed,
      {
        what: `how ${observed.transactions.total} transactions ended`,
        why: 'they had not when the captures did, or cannot be told apart',
        settle: 'capture for some seconds after the last request',
      },
    ];
  const blamed = new Set(diagnoses.filter(({ severity }) => severity === 'fault').flatMap(({ services }) => services));
  const isExplained = ({ service }: TracePattern) => service !== undefined && blamed.has(service);
  const lost = observed.patterns.filter((pattern) => pattern.end !== 'delivered' && pattern.end !== 'ambiguous' && !isExplained(pattern));
  return [...missed, ...lost.map(unexplained)];
}

/** What a capture did not see may be all that is missing of a transaction. */
function missing({ host, iface, packets, dropped, partial }: PointCount): NotExamined[] {
  if (dropped === 0 && partial === undefined) return [];
  return [
    {
      what: `packets on ${iface} of ${host}`,
      why: partial ?? `${dropped} of ${packets + dropped} came too fast to be captured`,
      settle: 'trace less at a time: one service with --port, one client with --client',
    },
  ];
}

function unseen(points: number): Pick<NotExamined, 'why' | 'settle'> {
  if (points === 0) return { why: 'there was no capture', settle: 'see the warnings: what keeps each from running is told there' };
  return {
    why: `none were seen at ${points} point${points === 1 ? '' : 's'} while it was captured`,
    settle: 'capture for longer, or live with --probe, which sends requests',
  };
}

function unexplained({ count, end, vanishedAfter, service, upstream, path }: TracePattern): NotExamined {
  const last = path.at(-1);
  const where = vanishedAfter
    ? `after ${vanishedAfter.iface} of ${vanishedAfter.host}`
    : last
      ? `at ${last.iface} of ${last.host}`
      : 'somewhere';
  return {
    what: `${count} ${service ?? 'transactions'}${upstream === undefined ? '' : ` with ${upstream}`}: ${end} ${where}`,
    why: 'no known cause explains it',
    settle: 'name the hosts next to that place with --host NAME=TARGET',
  };
}
