import { sameAddress } from '../net/address.js';
import { lostBetweenHosts } from '../reasoning/lost-between.js';
import { addressIn, captureAt, clientOf, describePacket, lastOf, legOf, walksOf } from '../reasoning/packets.js';
import type { Case, Diagnosis, Evidence, Observation, PatternStep, Step, StepCode, Trace, TracePattern, Walk } from '../types.js';

/** A pattern that did what was predicted, and the sighting that shows it. */
interface Witness {
  pattern: TracePattern;
  step: PatternStep;
}

/** What packets did where a prediction ends badly. */
interface Comparison {
  agreeing: readonly Witness[];
  /** Of the very client and upstream, and yet complete. */
  complete: readonly TracePattern[];
  /** All of them. */
  total: number;
}

const mostEvidence = 3;

/**
 * Lays what packets did over what was concluded from facts: where they end at the very place, the cause is proven; where they go well all the same, it is
 * doubted and said so. Packets show the hosts as they were read, so walks over mended copies are none of their business.
 */
export function withObserved(c: Case, diagnosis: Diagnosis, walks: readonly Walk[]): Diagnosis {
  const { observed } = c;
  const broken = walks.filter((walk) => walk.end === 'broken' && c.walks.includes(walk));
  return observed && diagnosis.severity === 'fault' && broken.length > 0 ? judged(diagnosis, broken, c, observed) : diagnosis;
}

function judged(diagnosis: Diagnosis, broken: readonly Walk[], c: Case, observed: Observation): Diagnosis {
  const { agreeing, complete, total } = compare(broken, c, observed);
  const [failed, passed] = [sum(agreeing.map(({ pattern }) => pattern)), sum(complete)];
  const counters = movedCounters(broken, observed);
  if (failed === 0 && passed === 0) return diagnosis;
  if (failed === 0) return doubted(diagnosis, complete, passed);
  const evidence = agreeing.slice(0, mostEvidence).map((witness) => seen(witness, total));
  const others = passed > 0 ? [`${passed} of ${total} requests completed all the same, so it is not all that happens here`] : [];
  const isProven = passed === 0 && agreeing.some((witness) => isReliable(witness, observed));
  return {
    ...diagnosis,
    certainty: isProven ? 'proven' : diagnosis.certainty,
    steps: [...diagnosis.steps, `packets show it of ${failed} of ${total} requests`, ...others],
    evidence: [...evidence, ...counters, ...diagnosis.evidence],
  };
}

function doubted(diagnosis: Diagnosis, complete: readonly TracePattern[], passed: number): Diagnosis {
  const [first] = complete;
  const last = first?.path.at(-1);
  return {
    ...diagnosis,
    certainty: 'possible',
    steps: [...diagnosis.steps, `packets contradict it: ${passed} requests went well while it was captured`],
    evidence: [
      ...(last ? [{ host: last.host, what: `${passed} answered: ${describePacket(last)}`, source: captureAt(last) }] : []),
      ...diagnosis.evidence,
    ],
    settle: diagnosis.settle ?? 'check again: something may have changed between the two, or this part of the host is not understood',
  };
}

function compare(broken: readonly Walk[], c: Case, observed: Observation): Comparison {
  const about = observed.patterns.filter((pattern) => walksOf(c, pattern).some((walk) => broken.includes(walk)));
  const isOf = (pattern: TracePattern, walk: Walk) => walksOf(c, pattern).includes(walk);
  const agreeing = about.flatMap((pattern) => {
    const step = broken.flatMap((walk) => (isOf(pattern, walk) ? (witnessed(pattern, walk) ?? []) : []))[0];
    return step ? [{ pattern, step }] : [];
  });
  const complete = about.filter(
    (pattern) =>
      pattern.end === 'delivered' &&
      broken.some((walk) => isOf(pattern, walk) && sameAddress(walk.client, clientOf(pattern)) && goesWell(pattern, walk)),
  );
  return { agreeing, complete, total: sum(about.filter(({ end }) => end !== 'ambiguous')) };
}

/** Answered under the client's address: some of what is wrong with a packet does not keep it from being answered. */
function goesWell(pattern: TracePattern, walk: Walk): boolean {
  const code = walk.steps.at(-1)?.code;
  if (code === 'source-masqueraded') return pattern.path.some(({ leg }) => leg === 'forward') && witnessed(pattern, walk) === undefined;
  return code !== 'upstream-on-this-host';
}

/** The packet came as far as the host and leg where the prediction breaks, and was lost, refused or went astray there. */
function witnessed(pattern: TracePattern, { steps, client }: Walk): PatternStep | undefined {
  const at = steps.at(-1);
  const last = lastOf(pattern);
  if (!at || !last || pattern.end === 'ambiguous') return undefined;
  if (at.code === 'source-masqueraded')
    return pattern.path.find(
      (step) => step.host === at.host && step.leg === 'forward' && step.dir === 'out' && !sameAddress(addressIn(step.src), client),
    );
  if (pattern.end === 'delivered') return undefined;
  const isReached = pattern.path.some((step) => step.host === at.host && legOf(step) === at.leg);
  if (pattern.end !== 'vanished') return isReached ? last : undefined;
  if (last.host !== at.host) return undefined;
  // A packet that a host fails to send is seen on the leg before alone.
  const isUnsent = last.dir === 'in' && !isReached && comesBefore(steps, at) === legOf(last);
  return legOf(last) === at.leg || isUnsent ? last : undefined;
}

function comesBefore(steps: readonly Step[], at: Step): Step['leg'] | undefined {
  return steps.findLast((step) => step.leg !== at.leg)?.leg;
}

/** Nothing is told of a loss on a host whose captures missed packets. */
function isReliable({ pattern, step }: Witness, observed: Observation): boolean {
  return (
    pattern.end !== 'vanished' ||
    observed.points.every(({ host, dropped, partial }) => host !== step.host || (dropped === 0 && partial === undefined))
  );
}

const sum = (patterns: readonly TracePattern[]): number => patterns.reduce((total, { count }) => total + count, 0);

function seen({ pattern: { count, end }, step }: Witness, total: number): Evidence {
  const how = end === 'vanished' ? 'last seen at' : end === 'delivered' ? 'seen at' : `${end} at`;
  const what = `${count} of ${total} requests: ${how} ${step.host} ${step.iface} ${step.dir}, ${describePacket(step)}`;
  return { host: step.host, what, source: captureAt(step) };
}

/** Counters that tell of a packet which ends by such a step. */
const counted: ReadonlyMap<StepCode, RegExp> = new Map([
  ['source-invalid', /^(?:TcpExtIPReversePathFilter|in_martian_src)$/],
  ['no-route', /^(?:IpOutNoRoutes|Ip6OutNoRoutes)$/],
  ['not-taken-in', /^(?:IpInAddrErrors|Ip6InAddrErrors|IpForwDatagrams|Ip6OutForwDatagrams)$/],
  ['not-forwarded', /^(?:IpInAddrErrors|Ip6InAddrErrors)$/],
  ['not-listening', /^(?:UdpNoPorts|Udp6NoPorts|TcpOutRsts|IcmpOutDestUnreachs)$/],
  ['stolen', /^(?:UdpNoPorts|Udp6NoPorts)$/],
]);

/** Counters of the host, or of the very rule, that moved meanwhile. */
function movedCounters(broken: readonly Walk[], { counters }: Observation): Evidence[] {
  const ends = broken.flatMap(({ steps }) => steps.at(-1) ?? []);
  const tells = (step: Step, host: string, name: string) =>
    step.host === host && (counted.get(step.code)?.test(name) === true || step.by.some(({ what }) => what === name));
  return counters
    .filter(({ host, name, delta }) => delta > 0 && ends.some((step) => tells(step, host, name)))
    .slice(0, mostEvidence)
    .map(({ host, name, delta, source, scope }) => {
      const where = scope === 'machine' ? ', counted for the whole machine' : '';
      return { host, what: `${name} grew by ${delta} while it was captured${where}`, source };
    });
}

/** What a report tells of the packets: where each should have been seen next is added, counters are left to the evidence. */
export function traceOf(c: Case): Trace | undefined {
  if (!c.observed) return undefined;
  const { counters: _counters, patterns, ...rest } = c.observed;
  const missed = new Map(lostBetweenHosts(c).map(({ pattern, next: { host, iface } }) => [pattern, { host, iface }]));
  return {
    ...rest,
    patterns: patterns.map((pattern) => {
      const neverSeenBy = missed.get(pattern);
      return neverSeenBy ? { ...pattern, neverSeenBy } : pattern;
    }),
  };
}
