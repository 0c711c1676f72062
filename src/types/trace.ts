import type { Leg } from './walk.js';

/** An interface of a host at which packets were captured. */
export interface CapturePoint {
  host: string;
  iface: string;
}

export interface PointCount extends CapturePoint {
  packets: number;
  /** By the kernel or the interface, as libpcap counts. A point that dropped packets never proves a loss. */
  dropped: number;
  /** Why the capture saw only part of what passed, beside packets that it dropped; such a point never proves a loss either. */
  partial?: string;
}

/** One sighting on the way of a transaction. */
export interface PatternStep extends CapturePoint {
  dir: 'in' | 'out';
  /** `address` or `address:port` as on the wire at this point, IPv6 in brackets, of the exemplar. */
  src: string;
  dst: string;
  /** What is told of this packet: "SYN", "reply", "source rewritten from 172.16.0.11", "3 times". */
  note?: string;
  /** Microseconds after the exemplar's first sighting, by the first host's clock. */
  afterUs?: number;
  leg?: PacketLeg;
}

/** The legs of a predicted walk, and the way from nginx or the rewriting router to the client. */
export type PacketLeg = Leg | 'answer';

export type PatternEnd = 'delivered' | 'vanished' | 'refused' | 'misdelivered' | 'ambiguous';

/** Transactions that went the same way and ended alike. */
export interface TracePattern {
  count: number;
  end: PatternEnd;
  path: PatternStep[];
  vanishedAfter?: CapturePoint;
  /** Where the packet should have been seen next, as predicted, by a capture that was healthy. */
  neverSeenBy?: CapturePoint;
  /** Position in the path of the sighting that ended it; absent: the last at `vanishedAfter`, else the last of all. */
  endsAt?: number;
  /** Id of the service, and the address of the upstream, where they are known. */
  service?: string;
  upstream?: string;
}

/** Host minus the first host, in microseconds; the true offset lies within ± the bound. */
export interface ClockOffset {
  host: string;
  offsetUs: number;
  boundUs: number;
}

/** As `--json` prints it. */
export interface Trace {
  /** ISO 8601. */
  window: { from: string; to: string };
  points: PointCount[];
  transactions: { total: number; complete: number; failed: number; ambiguous: number };
  patterns: TracePattern[];
  clocks: ClockOffset[];
}

/** A counter that moved while packets were captured: the only thing that counters prove. */
export interface CounterDelta {
  host: string;
  /** `TcpExtIPReversePathFilter`, `IpForwDatagrams`, a firewall rule as its tool prints it. */
  name: string;
  /** How much it grew; a counter that went back (a restart) is left out. 0 only for a firewall rule or filter that matched nothing. */
  delta: number;
  /** The file or command that it was read from. */
  source: string;
  /** Counted for all network namespaces of the machine together; absent: for this host alone. */
  scope?: 'machine';
}

/** What captures and counters showed, for rules. */
export interface Observation extends Trace {
  counters: readonly CounterDelta[];
}
