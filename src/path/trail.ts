import type { Leg, Packet, Provenance, Routed, RouteQuestion, Snapshot, Step } from '../types.js';
import { canonicalQuestion } from './questions.js';
import { describeAnswer, factOf, rivalsAt, route, type Snapshots } from './world.js';

/** What a caller of `add` says; the trail knows the rest. */
export interface StepNote extends Pick<Step, 'place' | 'code' | 'did'> {
  by?: readonly Provenance[];
  outcome?: Step['outcome'];
  route?: NonNullable<Step['route']>;
  rule?: NonNullable<Step['rule']>;
}

/** A packet on its way: where it is now, how it looks now, and what happened to it so far. Ends at the first broken step. */
export class Trail {
  readonly steps: Step[] = [];
  in: string | undefined;
  out: string | undefined;
  leg: Leg = 'request';
  /** What connection tracking makes of packets of the request's direction: `new` for the first, `established` for those behind it. */
  asking: 'new' | 'established' = 'new';
  /** Hosts whose connection tracking saw the request's direction, so that the reply counts as established there. */
  readonly trackedBy = new Set<string>();
  /** The client's request, and the hosts that passed it on to nginx: one of DSR's answers is of the same connection there. */
  request: { packet: Packet; seenBy: ReadonlySet<string> } | undefined;
  /** Connection marks as the last hook on each host left them. */
  readonly connectionMarks = new Map<string, number>();

  constructor(
    readonly snapshots: Snapshots,
    public host: string,
    public packet: Packet,
  ) {}

  get snapshot(): Snapshot | undefined {
    return this.snapshots.get(this.host);
  }

  get broken(): boolean {
    return this.steps.at(-1)?.outcome === 'broken';
  }

  /** Puts the packet on a host. A mark does not travel. */
  arrive(host: string, link: string | undefined): void {
    this.host = host;
    this.in = link;
    this.out = undefined;
    this.packet = { ...this.packet, mark: 0 };
  }

  /** Another packet's trail, of which only the end matters. */
  aside(host: string, packet: Packet, leg: Leg): Trail {
    const way = new Trail(this.snapshots, host, packet);
    way.leg = leg;
    return way;
  }

  /** A packet behind the first of its connection, when all hosts on the way have seen both directions of it. */
  later(host: string, packet: Packet, leg: Leg): Trail {
    const way = this.aside(host, packet, leg);
    way.asking = 'established';
    for (const [at, mark] of leg === 'forward' ? this.connectionMarks : []) way.connectionMarks.set(at, mark);
    return way;
  }

  /** The way of a packet that was stopped becomes part of this trail, of any other packet what left its way in doubt. */
  adopt(way: Trail): void {
    this.steps.push(...way.steps.filter(({ outcome }) => way.broken || outcome === 'unknown'));
  }

  add(note: StepNote): void {
    const { by = [], outcome = 'ok', ...rest } = note;
    this.steps.push({
      host: this.host,
      leg: this.leg,
      ...rest,
      by,
      outcome,
      packet: this.packet,
      ...(this.in === undefined ? {} : { in: this.in }),
      ...(this.out === undefined ? {} : { out: this.out }),
    });
  }

  /** Whether nobody can say which host gets the frame; tells so. */
  isContested(nextHop: string): boolean {
    const rivals = this.out === undefined ? [] : rivalsAt(this.snapshots, this.host, this.out, nextHop);
    if (rivals.length === 0) return false;
    const did = `${nextHop} is an address of ${rivals.join(' and of ')}: which of them gets it is not known`;
    this.add({ place: 'wire', code: 'unknown', did, outcome: 'unknown' });
    return true;
  }

  /** Asks for the routing decision on this host for the packet as it is, or with the mark that it had by then. */
  route(direction: 'input' | 'output', mark = this.packet.mark): Routed {
    const { source, destination } = this.packet;
    const input = direction === 'input' && this.in !== undefined ? { iif: this.in } : {};
    return route(this.snapshot, { to: destination, from: source, ...input, ...(mark ? { mark } : {}), ...this.ports() });
  }

  /** Protocol and ports, only where a policy rule asks for them: `ip route get` of old releases does not know the words. */
  private ports(): Partial<RouteQuestion> {
    const { family, protocol, sourcePort, destinationPort } = this.packet;
    const rules = factOf(this.snapshot, 'policyRules')?.filter((rule) => rule.family === family) ?? [];
    if (!rules.some((rule) => rule.ipProtocol ?? rule.sourcePort ?? rule.destinationPort)) return {};
    return {
      ipProtocol: protocol,
      ...(sourcePort === undefined ? {} : { sourcePort }),
      ...(destinationPort === undefined ? {} : { destinationPort }),
    };
  }
}

/** Who answered a routing question, for the reader. */
export function routeProvenance({ question, answer, from }: Routed): Provenance[] {
  const source = canonicalQuestion(question);
  if (answer === undefined) return [{ what: 'the route is not known', source }];
  const said = `"${describeAnswer(answer)}"`;
  return [{ what: from === 'kernel' ? `the kernel answers ${said}` : `rules and tables amount to ${said}`, source }];
}
