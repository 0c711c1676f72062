import { CaptureReader } from '../../src/packets/capture-reader.js';
import { decode, decodeQuoted, isIcmpError } from '../../src/packets/decode.js';
import { DnsQuestion, readDnsQuestion } from '../../src/packets/dns.js';
import { Decoded, Headers } from '../../src/packets/headers.js';
import { macAt } from '../../src/packets/link.js';
import { addressText } from '../../src/packets/text.js';

type Value = number | string;

/** How tshark's fields are got from the headers of one layer; `if` says which layers have the field. */
const ofLayer: Record<string, { if: (headers: Headers) => boolean; get: (headers: Headers) => Value }> = {
  ...forEach('ip', isIpv4, {
    src: ({ source }) => addressText(source, 4),
    dst: ({ destination }) => addressText(destination, 4),
    id: ({ ipId }) => ipId,
    ttl: ({ ttl }) => ttl,
    len: ({ ipLength }) => ipLength,
    proto: ({ protocol }) => protocol,
    frag_offset: ({ fragmentOffset }) => fragmentOffset / 8,
    'flags.mf': ({ moreFragments }) => Number(moreFragments),
  }),
  ...forEach('ipv6', isIpv6, {
    src: ({ source }) => addressText(source, 6),
    dst: ({ destination }) => addressText(destination, 6),
    hlim: ({ ttl }) => ttl,
  }),
  ...forEach('ipv6.fraghdr', (headers) => isIpv6(headers) && (headers.fragmentOffset > 0 || headers.moreFragments), {
    offset: ({ fragmentOffset }) => fragmentOffset / 8,
    more: ({ moreFragments }) => Number(moreFragments),
    ident: ({ ipId }) => ipId,
  }),
  ...forEach('udp', carries(17), { srcport: ({ sourcePort }) => sourcePort, dstport: ({ destinationPort }) => destinationPort }),
  ...forEach('tcp', carries(6), {
    srcport: ({ sourcePort }) => sourcePort,
    dstport: ({ destinationPort }) => destinationPort,
    seq_raw: ({ tcpSequence }) => tcpSequence,
    ack_raw: ({ tcpAcknowledgement }) => tcpAcknowledgement,
    flags: ({ tcpFlags }) => tcpFlags,
    len: ({ payloadLength }) => payloadLength,
  }),
  ...forEach('icmp', carries(1), { type: ({ icmpType }) => icmpType, code: ({ icmpCode }) => icmpCode }),
  ...forEach('icmpv6', carries(58), { type: ({ icmpType }) => icmpType, code: ({ icmpCode }) => icmpCode }),
};

const ofFrame = ['frame.len', 'frame.cap_len', 'frame.interface_name', 'eth.src', 'eth.dst', 'sll.ifindex', 'dns.id', 'dns.flags.response'];

/** The fields that are compared as they are. */
export const fields: readonly string[] = [...Object.keys(ofLayer), ...ofFrame];

export interface OurWord {
  /** By field, the values of the frame's layers in their order. */
  values: Map<string, Value[]>;
  timeUs: number;
  vlan: number;
  direction: number;
  /** Everything was captured, and what an ICMP error quotes is there as a whole. */
  isWhole: boolean;
}

/** What we say of each frame of a capture. */
export function ourWord(file: Uint8Array): OurWord[] {
  const words: OurWord[] = [];
  const reader = new CaptureReader((bytes, start, length, wire, timeUs, source) => {
    const [headers, quoted] = [new Headers(), new Headers()];
    decode(bytes, start, start + length, source.linkType, headers, wire);
    const quotes = isIcmpError(headers);
    const isQuoteWhole = !quotes || (decodeQuoted(bytes, headers, quoted) === Decoded.ip && isAllThere(quoted));
    const innermost = quotes ? quoted : headers;
    const values = new Map(
      Object.entries(ofLayer).map(([field, { if: has, get }]) => [field, (quotes ? [headers, quoted] : [headers]).filter(has).map(get)]),
    );
    const ethernet = source.linkType === 1 && headers.sourceMacAt >= 0;
    const question = new DnsQuestion();
    const isDns = isDnsPort(innermost) && readDnsQuestion(bytes, innermost.payloadStart, innermost.payloadEnd, question);
    const frame: Value[][] = [
      [wire],
      [length],
      source.interfaceName === undefined ? [] : [source.interfaceName],
      ethernet ? [macText(macAt(bytes, headers.sourceMacAt))] : [],
      ethernet ? [macText(macAt(bytes, headers.destinationMacAt))] : [],
      source.linkType === 276 && headers.interfaceIndex > 0 ? [headers.interfaceIndex] : [],
      isDns ? [question.id] : [],
      isDns ? [Number(question.isResponse)] : [],
    ];
    for (const [index, value] of frame.entries()) values.set(ofFrame[index] ?? '', value);
    words.push({
      values,
      timeUs,
      vlan: headers.vlan,
      direction: headers.direction || source.direction,
      isWhole: length === wire && isQuoteWhole,
    });
  });
  reader.push(file);
  const end = reader.end();
  if (!end.ok) throw new Error(end.why);
  return words;
}

function forEach(prefix: string, has: (headers: Headers) => boolean, get: Record<string, (headers: Headers) => Value>): typeof ofLayer {
  return Object.fromEntries(Object.entries(get).map(([name, from]) => [`${prefix}.${name}`, { if: has, get: from }]));
}

function isIpv4({ family, ipLength }: Headers): boolean {
  return family === 4 && ipLength > 0;
}

function isIpv6({ family, ipLength }: Headers): boolean {
  return family === 6 && ipLength > 0;
}

function carries(protocol: number): (headers: Headers) => boolean {
  return (headers) => headers.protocol === protocol && headers.fragmentOffset === 0;
}

/** Of TCP segments that are quoted, tshark tells less than there is. */
function isAllThere({ protocol, payloadStart, payloadEnd, payloadLength }: Headers): boolean {
  return protocol !== 6 && payloadEnd - payloadStart === payloadLength;
}

function isDnsPort({ protocol, sourcePort, destinationPort }: Headers): boolean {
  return protocol === 17 && (sourcePort === 53 || destinationPort === 53);
}

function macText(mac: number): string {
  return mac
    .toString(16)
    .padStart(12, '0')
    .replace(/(..)(?=.)/g, '$1:');
}
