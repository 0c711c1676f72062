import type { NotExamined, Report, ReportedHost } from './report.js';
import type { Step, Walk } from './walk.js';

/** What `tpdoctor path --json` prints: the predicted way from one client to one service, there and back. */
export interface PathReport {
  schema: 'tpdoctor.path/1';
  tool: Report['tool'];
  /** ISO 8601. */
  startedAt: string;
  tookMs: number;
  /** The client's address. */
  from: string;
  /** Address and port that it asks, IPv6 in brackets. */
  to: string;
  /** Of all walks: broken when one is; unknown also when a named host was not reached or an upstream's way cannot be predicted. */
  end: Walk['end'];
  hosts: Omit<ReportedHost, 'roles'>[];
  /** One for each upstream of each service that listens there. */
  walks: ToldWalk[];
  /** Services and upstreams without a walk. */
  notExamined: NotExamined[];
}

export interface ToldWalk {
  /** Id of the service, as in a report of `check`. */
  service: string;
  protocol: 'tcp' | 'udp';
  /** nginx's host, and its line that passes the request on. */
  proxy: string;
  at: { file: string; line: number };
  /** Address and port. */
  upstream: string;
  /** Absent when no named host has the upstream's address. */
  upstreamHost?: string;
  end: Walk['end'];
  /** Hosts in the order in which packets pass them; nginx's host comes again with the reply. */
  hops: ToldHop[];
}

export interface ToldHop {
  host: string;
  /** The link that the packet comes in on; absent where it is made. */
  in?: string;
  steps: ToldStep[];
}

/** A step of the walk with every line of configuration that decided it. */
export type ToldStep = Omit<Step, 'host' | 'in' | 'route' | 'rule'>;
