import { isAddress } from '../../net/address.js';

/** What is spoken to a service. */
export type Speech = 'dns' | 'http' | 'tcp' | 'udp';

/** Whom a request is for. */
interface Addressed {
  vip: string;
  /** Of DNS questions. */
  zone: string;
  /** Id of the service. */
  service: string;
}

/** The bytes of one recognisable request; no two marks have the same. */
export function payloadOf(speaks: Speech, mark: string, { vip, zone, service }: Addressed): Uint8Array {
  if (speaks === 'dns') return dnsQuestion(mark, `${mark}.${zone}`);
  if (speaks === 'udp') return bytesOf(`tpdoctor probe ${mark}`);
  // A line end, so that a protocol of lines has something to answer.
  if (speaks === 'tcp') return bytesOf(`tpdoctor probe ${mark}\r\n`);
  const { path = '/', server } = placeOf(service) ?? {};
  const target = path.endsWith('/') ? `${path}tpdoctor-probe-${mark}` : `${path}?tpdoctor-probe-${mark}`;
  const host = server ?? (isAddress(vip) && vip.includes(':') ? `[${vip}]` : vip);
  const head = [`Host: ${host}`, `User-Agent: tpdoctor-probe-${mark}`, 'Accept: */*', 'Connection: close'];
  return bytesOf([`GET ${target} HTTP/1.1`, ...head, '', ''].join('\r\n'));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The path and server name by which nginx finds an http service, as far as its id tells them; undefined where no path can be made up. */
export function placeOf(service: string): { path: string; server?: string } | undefined {
  const [, place = '', name = ''] = /(?:^|\/)http:\d+([^#]*)(?:#([^#]*))?/.exec(service) ?? [];
  const path = place.replace(/^=/, '') || '/';
  if (!/^\/[\w.~!$&'()*+,;=:@%/-]*$/.test(path)) return undefined;
  return { path, ...(/^(?=.*[a-z])[a-z\d-]+(?:\.[a-z\d-]+)+$/i.test(name) ? { server: name } : {}) };
}

/** A query for the address of a name (RFC 1035), recursion desired as resolvers' clients ask. */
function dnsQuestion(mark: string, name: string): Uint8Array {
  const id = Number.parseInt(mark.slice(0, 4), 16) ^ Number.parseInt(mark.slice(4), 16);
  const labels = name.split('.').flatMap((label) => [label.length, ...bytesOf(label)]);
  const [recursion, one, typeA, classIn] = [0x0100, 1, 1, 1].map(be16);
  return Uint8Array.from([be16(id), recursion, one, be16(0), be16(0), be16(0), labels, 0, typeA, classIn].flatMap((part) => part ?? []));
}

function be16(value: number): number[] {
  return [(value >>> 8) & 255, value & 255];
}

const responseCodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/** What an answer says, and whether it is nginx's own "no": a server error instead of what was asked for. */
export function readAnswer(speaks: Speech, bytes: Uint8Array): { text: string; refused: boolean } {
  if (speaks === 'http') {
    const [, status = ''] = /^HTTP\/\d\.\d (\d{3})\b/.exec(new TextDecoder('latin1').decode(bytes.subarray(0, 16))) ?? [];
    return status === '' ? { text: 'not HTTP', refused: false } : { text: `HTTP ${status}`, refused: status.startsWith('5') };
  }
  if (speaks === 'dns' && bytes.length >= 12 && ((bytes[2] ?? 0) & 0x80) !== 0) {
    const code = (bytes[3] ?? 0) & 15;
    return { text: `DNS ${responseCodes[code] ?? `response code ${code}`}`, refused: false };
  }
  return { text: `${bytes.length} bytes`, refused: false };
}
