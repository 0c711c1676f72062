import type { FirewallRule } from './netfilter.js';
import type { At, Service, Upstream } from './nginx.js';
import type { Family, RouteAnswer, RouteQuestion } from './routing.js';

/** An imagined packet on its way. Ports are absent for ICMP and later fragments. */
export interface Packet {
  family: Family;
  /** IP protocol number: 6 TCP, 17 UDP. */
  protocol: number;
  source: string;
  destination: string;
  sourcePort?: number;
  destinationPort?: number;
  /** netfilter mark on the host where the packet is now; 0 on arrival. */
  mark: number;
  /** TCP flags of the segment: SYN (2) for a request, SYN+ACK (18) for a reply. */
  tcpFlags?: number;
}

/** What happened, as a code that rules can read. One list for predicted and observed steps. */
export type StepCode =
  | 'sent'
  | 'routed'
  | 'no-route'
  | 'firewall-accepted'
  | 'firewall-dropped'
  | 'firewall-unknown'
  | 'marked'
  | 'source-invalid'
  | 'link-down'
  /** Nobody on the link answers to the next hop's address. */
  | 'no-neighbour'
  /** Leaves by a link, or to a gateway, that does not lead to where it shall go. */
  | 'astray'
  | 'taken-in'
  /** A packet for this host that it does not take in: forwarded or dropped instead. */
  | 'not-taken-in'
  | 'listening'
  | 'not-listening'
  | 'worker-dead'
  | 'worker-cannot-spoof'
  | 'bind-not-transparent'
  | 'family-mismatch'
  | 'bound'
  | 'upstream-on-this-host'
  | 'source-masqueraded'
  | 'rewritten'
  /** Its destination or the link that it comes in on is another from here on, by a tc filter. */
  | 'redirected'
  | 'forwarded'
  | 'not-forwarded'
  /** A DSR reply that ends at a local socket instead of being forwarded. */
  | 'stolen'
  /** The reply leaves towards somewhere that is not nginx. */
  | 'bypassed'
  | 'not-rewritten'
  | 'wrongly-rewritten'
  | 'wrong-client-port'
  /** The reply reached the client past nginx, which goes on waiting for it. */
  | 'awaited-in-vain'
  | 'delivered'
  | 'unknown-host'
  | 'unknown';

/** Request: client to nginx. Forward: nginx to upstream. Reply: upstream to nginx, or towards the client with DSR. Answer: nginx to client. */
export type Leg = 'request' | 'forward' | 'reply' | 'answer';

export interface Provenance {
  /** What decided: a rule, route, sysctl or line, as printed by its tool. */
  what: string;
  /** `file:line`, a command, a /proc path. */
  source: string;
}

/** A routing decision and who made it: the kernel, when it was asked this very question, else the model. */
export interface Routed {
  question: RouteQuestion;
  /** Undefined when the host's routing is not known. */
  answer: RouteAnswer | undefined;
  from: 'kernel' | 'model';
  /** `ip route get` cannot ask it: a foreign source without an in-interface. */
  modelOnly?: true;
}

export interface Step {
  host: string;
  leg: Leg;
  /** Where on the host: a netfilter hook, `route`, `source-validation`, `socket`, `nginx`, `egress`, `wire`. */
  place: string;
  code: StepCode;
  /** One sentence for a person. */
  did: string;
  by: readonly Provenance[];
  /** `unseen`: on a host that nobody named, assumed to do its part. */
  outcome: 'ok' | 'broken' | 'unknown' | 'unseen';
  /** The packet as it was when this step began. */
  packet: Packet;
  /** In-interface, and out-interface once known. */
  in?: string;
  out?: string;
  route?: Routed;
  rule?: FirewallRule;
}

/** One service, one client, one upstream: the way there and back. It ends at the first broken step. */
export interface Walk {
  service: Service;
  client: string;
  /** True when the client is a documentation address because nobody named or saw one. */
  clientAssumed: boolean;
  upstream: Upstream;
  /** The address the client asked. */
  vip?: string;
  steps: readonly Step[];
  /** Whole: nothing broken, nothing unknown (unseen steps do not count). Broken: the last step is. Unknown: no step broken, at least one unknown. */
  end: 'whole' | 'broken' | 'unknown';
}

export type { At };
