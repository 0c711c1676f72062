import { Endings, hasFailed } from './endings.js';
import type { Joiner } from './joiner.js';
import { type Expectation, type Judgement, judge } from './judge.js';
import { isFrom, Kind } from './marks.js';
import type { FoundPattern } from './pattern.js';
import { Part, type TracedService } from './services.js';
import { inOrder, legOf, type Place, type Sighting, spell } from './sighting.js';
import { Flag, marksPerSlot } from './slots.js';

/** More ways than these are counted as one. */
const most = 2000;
/** What began less than this before the captures ended may still be under way, in microseconds: TCP repeats what got no answer after a second. */
const grace = 1_300_000;
/** What began this long after the captures began was asked while they ran, in microseconds. */
const settling = 2_000_000;

/** Counts concluded transactions by the way they went. */
export class Patterns {
  readonly endings = new Endings();
  private readonly found = new Map<number, FoundPattern>();
  private readonly members = new Int32Array(64);

  constructor(
    private readonly joiner: () => Joiner,
    private readonly points: readonly Place[],
    /** Of the captures, in microseconds since the epoch. */
    private readonly begin: () => number,
  ) {}

  all(): FoundPattern[] {
    return [...this.found.values()];
  }

  /** @param end microseconds since the epoch: the end of the captures; none while they run */
  conclude(slot: number, end?: number): void {
    const { slots } = this.joiner();
    // Told with the client's connection that it belongs to.
    if ((slots.parent[slot] as number) >= 0) return;
    const [latest, ...failed] = this.childrenOf(slot);
    this.members[0] = slot;
    if (latest !== undefined) this.members[1] = latest;
    this.add(latest === undefined ? 1 : 2, end);
    for (const attempt of failed) {
      this.members[1] = attempt;
      this.add(2, end, true);
    }
  }

  private childrenOf(slot: number): number[] {
    const { slots } = this.joiner();
    const children: number[] = [];
    for (let child = slots.child[slot] as number; child >= 0 && children.length < 16; child = slots.sibling[child] as number)
      children.push(child);
    return children;
  }

  /** @param isAttempt nginx asked another upstream afterwards: what the client got in the end is not of this one */
  private add(members: number, end: number | undefined, isAttempt = false): void {
    const { slots, marks } = this.joiner();
    const slot = this.members[0] as number;
    let isAsked = false;
    let guessed = 0;
    let high = members;
    let low = (slots.protocol[slot] as number) + (isAttempt ? 256 : 0);
    // What is sent again and again does not get younger by it.
    const latest = slots.first[this.members[members - 1] as number] as number;
    for (let m = 0; m < members; m++) {
      const member = this.members[m] as number;
      const base = member * marksPerSlot;
      guessed |= (slots.flags[member] as number) & Flag.byOrder;
      for (let at = base; at < base + (slots.markCount[member] as number); at++) {
        if (!isFrom(marks.kind[slots.mark[at] as number] as number)) isAsked = true;
        // A sum, as sightings come in any order.
        const word = (slots.mark[at] as number) * 4 + (slots.port[at] === slots.clientPort[slot] ? 2 : 0) + m;
        low = (low + Math.imul(word ^ (word >>> 7), 0x9e3779b1)) | 0;
        high = (high + Math.imul(word ^ 0x5bd1e995, 0x85ebca6b)) | 0;
      }
    }
    // Replies to what was asked before the captures began.
    if (!isAsked && (slots.first[slot] as number) - this.begin() < settling) return;
    const pending = end !== undefined && end - latest < grace ? 1 : 0;
    const key = ((low + guessed * 512) >>> 0) * 0x100000 + ((high >>> 11) & 0x7ffff) * 2 + pending;
    const times = this.timesOf(slot, members);
    const known = this.found.get(key);
    if (known) known.count += times;
    else if (this.found.size < most) this.found.set(key, this.describe(members, times, { isUncertain: pending + guessed > 0, isAttempt }));
    const pattern = known ?? this.found.get(key);
    if (pattern && hasFailed(pattern)) this.noteEnding(pattern, members);
  }

  private noteEnding(pattern: FoundPattern, members: number): void {
    const { slots, marks } = this.joiner();
    for (let m = members - 1; m >= 0; m--) {
      const member = this.members[m] as number;
      const base = member * marksPerSlot;
      for (let at = base; at < base + (slots.markCount[member] as number); at++) {
        if (slots.mark[at] !== pattern.judgement.last?.mark) continue;
        const time = (slots.first[member] as number) + (slots.after[at] as number);
        this.endings.note({ point: marks.point[slots.mark[at] as number] as number, time, port: slots.port[at] as number, pattern });
        return;
      }
    }
  }

  /** Equal requests of one client that came at once are one slot, seen several times. */
  private timesOf(slot: number, members: number): number {
    const { slots } = this.joiner();
    if (members > 1 || slots.protocol[slot] !== 17) return 1;
    const base = slot * marksPerSlot;
    let least = 255;
    let greatest = 0;
    for (let at = base; at < base + (slots.markCount[slot] as number); at++) {
      least = Math.min(least, slots.times[at] as number);
      greatest = Math.max(greatest, slots.times[at] as number);
    }
    return least === greatest ? Math.max(1, least) : 1;
  }

  private describe(members: number, count: number, { isUncertain, isAttempt }: { isUncertain: boolean; isAttempt: boolean }): FoundPattern {
    const { slots, marks, endpoints } = this.joiner();
    const slot = this.members[0] as number;
    const first = slots.first[slot] as number;
    const seen: Sighting[] = [];
    for (let m = 0; m < members; m++) {
      const member = this.members[m] as number;
      const base = member * marksPerSlot;
      for (let at = base; at < base + (slots.markCount[member] as number); at++) {
        const after = (slots.first[member] as number) - first + (slots.after[at] as number);
        const sighting = spell(marks, endpoints, this.points, slots.mark[at] as number, {
          port: slots.port[at] as number,
          times: slots.times[at] as number,
          after,
        });
        const own = slots.isClient(slot, slots.client.subarray(member * 4, member * 4 + 4));
        seen.push(own || sighting.other !== 0 ? sighting : { ...sighting, other: this.numberOfClient(member) });
      }
    }
    const sightings = inOrder(isAttempt ? seen.filter(({ kind, leg }) => leg !== 'answer' || kind === Kind.synAck) : seen);
    const service = this.serviceOf(sightings, slots.protocol[slot] === 17 ? 'udp' : 'tcp');
    const judgement = this.judge(sightings, service, isUncertain);
    const behind = sightings.findLast(({ endpoint }) => endpoints.parts[endpoint] === Part.upstream);
    return {
      count,
      sightings,
      judgement,
      ...(service === undefined ? {} : { service }),
      upstream: behind?.endpoint ?? 0,
      family: slots.family[slot] === 6 ? 6 : 4,
      client: slots.client.slice(slot * 4, slot * 4 + 4),
      clientPort: slots.clientPort[slot] as number,
      at: first,
    };
  }

  private judge(sightings: readonly Sighting[], service: TracedService | undefined, isUncertain: boolean): Judgement {
    const expects: Expectation = {
      answersTo: service?.answersTo ?? 'unknown',
      ...(service?.host === undefined ? {} : { proxy: service.host }),
    };
    const judgement = judge(sightings, expects);
    if (judgement.end !== 'vanished') return judgement;
    const unequal = new Set(sightings.filter(({ kind }) => kind === Kind.datagramTo).map(({ times }) => times)).size > 1;
    if (isUncertain || unequal) return { ...judgement, end: 'ambiguous' };
    return judgement;
  }

  /** A connection towards an upstream whose source is not the client's. */
  private numberOfClient(member: number): number {
    const { slots, endpoints } = this.joiner();
    return endpoints.numberOf(6, slots.family[member] === 6 ? 6 : 4, slots.client.subarray(member * 4, member * 4 + 4), 0, false);
  }

  private serviceOf(sightings: readonly Sighting[], protocol: 'tcp' | 'udp'): TracedService | undefined {
    const { endpoints } = this.joiner();
    const candidates = endpoints.services.filter((service) => service.protocol === protocol);
    const asked = sightings.find(({ kind, endpoint }) => legOf(kind, endpoints.parts[endpoint] as Part) === 'request');
    if (asked) return candidates.find(({ port }) => port === endpoints.portOf(asked.endpoint));
    const behind = sightings[0];
    if (!behind) return undefined;
    const [address, port] = [endpoints.addressOf(behind.endpoint), endpoints.portOf(behind.endpoint)];
    return (
      candidates.find(({ upstreams, upstreamPorts }) => upstreamPorts.includes(port) && upstreams.includes(address)) ??
      candidates.find(({ upstreamPorts }) => upstreamPorts.includes(port))
    );
  }
}
