import type { Service } from '../types.js';

/** Protocols in which one datagram asks and one answers: DNS, NTP, SNMP, RADIUS. */
const oneAnswer = new Set([53, 123, 161, 1812, 1813]);
/** Protocols whose sessions last and whose datagrams nobody can count: QUIC, IPsec, OpenVPN, STUN and TURN, RTP, SIP, WireGuard. */
const lasting = new Set([443, 500, 1194, 3478, 4500, 5004, 5060, 51_820]);

/** One question, one answer: by the port, on whichever side of nginx it stands. */
export function isQuestionAndAnswer(service: Service): boolean {
  return portsOf(service).some((port) => oneAnswer.has(port));
}

/** Sessions that are meant to last. */
export function hasLastingSessions(service: Service): boolean {
  return portsOf(service).some((port) => lasting.has(port));
}

function portsOf({ listeners, upstreams }: Service): number[] {
  return [...listeners, ...upstreams].map(({ port }) => port);
}
