import { DnsQuestion, readDnsQuestion } from './dns.js';
import { Hash, hashBytes } from './hash.js';
import type { Headers } from './headers.js';
import { httpStart } from './http.js';

export const Content = { none: 0, dnsQuery: 1, dnsResponse: 2, httpRequest: 3, httpResponse: 4, other: 5 } as const;
export type Content = (typeof Content)[keyof typeof Content];

/** What a payload says, as far as it tells one transaction from another. Used again for each packet. */
export class Gist {
  content: Content = Content.none;
  /** A hash in two signed halves: of a DNS message's id and question, of any other datagram's first bytes and its length, of an HTTP request's method and target. */
  high = 0;
  low = 0;
  /** Of an HTTP response. */
  status = 0;
}

const [tcp, udp] = [6, 17];
/** As much of a datagram as is compared, in bytes; captures may cut the rest. */
export const comparedBytes = 192;

const question = new DnsQuestion();
const hash = new Hash();

/** Of the packet whose headers were decoded from the same bytes. Later fragments have none. */
export function readGist(bytes: Uint8Array, headers: Headers, into: Gist): void {
  into.content = Content.none;
  into.high = into.low = into.status = 0;
  if (headers.fragmentOffset > 0) return;
  if (headers.protocol === udp) ofDatagram(bytes, headers, into);
  else if (headers.protocol === tcp && headers.payloadLength > 0) ofSegment(bytes, headers, into);
}

function ofDatagram(bytes: Uint8Array, { payloadStart, payloadEnd, payloadLength }: Headers, into: Gist): void {
  if (readDnsQuestion(bytes, payloadStart, payloadEnd, question)) {
    into.content = question.isResponse ? Content.dnsResponse : Content.dnsQuery;
    into.high = question.hash.high;
    into.low = question.hash.low;
    return;
  }
  hashBytes(bytes, payloadStart, Math.min(payloadEnd, payloadStart + comparedBytes), hash, payloadLength);
  into.content = Content.other;
  into.high = hash.high;
  into.low = hash.low;
}

function ofSegment(bytes: Uint8Array, { payloadStart, payloadEnd }: Headers, into: Gist): void {
  const start = httpStart(bytes, payloadStart, payloadEnd);
  if (start.kind === 'none') return;
  into.content = start.kind === 'request' ? Content.httpRequest : Content.httpResponse;
  into.low = start.hash | 0;
  into.status = start.status;
}

export const isDns = ({ content }: Gist): boolean => content === Content.dnsQuery || content === Content.dnsResponse;
