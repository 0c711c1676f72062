import { InvalidArgumentError } from 'commander';
import { canonical, isAddress } from '../net/address.js';
import { parsePrefix } from '../net/prefix.js';
import type { NamedHost } from '../types.js';

/** Turns a parser of one value into one of a repeatable option. */
export function collect<T>(parse: (text: string, before: readonly T[]) => T): (text: string, before?: readonly T[]) => T[] {
  return (text, before = []) => [...before, parse(text, before)];
}

export function hostOf(text: string, before: readonly NamedHost[]): NamedHost {
  const cut = text.includes('=') ? text.indexOf('=') : text.length;
  if (cut < 1 || cut === text.length - 1) throw new InvalidArgumentError('Expected NAME=TARGET, for example proxy=netns:proxy.');
  // A name alone is one of an inventory.
  const [name, target] = [text.slice(0, cut), text.slice(cut + 1)];
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name))
    throw new InvalidArgumentError('A host name has 1 to 64 letters, digits, dots, dashes or underscores.');
  if (before.some((host) => host.name === name)) throw new InvalidArgumentError(`The name ${name} is taken by another --host.`);
  return { name, target };
}

/** Hosts with the file that ssh is to read for them. */
export function reachedBy(hosts: readonly NamedHost[], sshConfig: string | undefined): readonly NamedHost[] {
  return sshConfig === undefined ? hosts : hosts.map((host) => ({ ...host, ssh: { config: sshConfig, ...host.ssh } }));
}

export function clientOf(text: string): string {
  if (!parsePrefix(text)) throw new InvalidArgumentError('Expected an address or a prefix, for example 10.0.0.7 or 10.0.0.0/24.');
  return text;
}

export function addressOf(text: string): string {
  if (!isAddress(text)) throw new InvalidArgumentError('Expected an address, for example 192.0.2.7 or 2001:db8::7.');
  return canonical(text);
}

/** `192.0.2.1:80` or `[2001:db8::1]:443`. */
export function endpointOf(text: string): { address: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15})):(\d{1,5})$/.exec(text) ?? [];
  const [address, port] = [bracketed ?? plain ?? '', Number(digits)];
  if (!isAddress(address) || !(port >= 1 && port <= 65_535))
    throw new InvalidArgumentError('Expected ADDRESS:PORT, for example 192.0.2.1:80 or [2001:db8::1]:443.');
  return { address: canonical(address), port };
}

export function protocolOf(text: string): 'tcp' | 'udp' {
  if (text === 'tcp' || text === 'udp') return text;
  throw new InvalidArgumentError('Expected tcp or udp.');
}

export function pidOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected the process id of an nginx master, for example 1234.');
  return Number(text);
}

export function outboundOf(text: string): string {
  const name = text.length <= 253 && text.split('.').every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})$/.test(label));
  if (!name && !isAddress(text)) throw new InvalidArgumentError('Expected a host name or address, for example deb.debian.org.');
  return text;
}

const formats = ['table', 'json', 'junit', 'markdown'] as const;
export type OutputFormat = (typeof formats)[number];

export function outputOf(text: string): OutputFormat {
  const found = formats.find((format) => format === text);
  if (found) return found;
  throw new InvalidArgumentError(`Expected ${formats.join(', ')}.`);
}

export function idOf(text: string): string {
  if (!/^[a-z0-9*/-]{1,100}$/.test(text)) {
    throw new InvalidArgumentError(
      'Expected the id of a check or cause, for example proxy/mark-rule-missing or proxy/*; tpdoctor explain lists them.',
    );
  }
  return text;
}

/** Milliseconds. */
export function timeoutOf(text: string): number {
  const found = /^(\d{1,6}(?:\.\d{1,3})?)(s|ms)?$/.exec(text);
  const milliseconds = found ? Math.round(Number(found[1]) * (found[2] === 'ms' ? 1 : 1000)) : Number.NaN;
  if (!(milliseconds >= 100 && milliseconds <= 600_000))
    throw new InvalidArgumentError('Expected 100ms to 600s, for example 20, 20s or 500ms.');
  return milliseconds;
}

/** Milliseconds; more than a round of questions may take. */
export function durationOf(text: string): number {
  const found = /^(\d{1,5}(?:\.\d{1,3})?)(ms|s|m)?$/.exec(text);
  const factor = { ms: 1, s: 1000, m: 60_000 }[found?.[2] ?? 's'] ?? 1000;
  const milliseconds = found ? Math.round(Number(found[1]) * factor) : Number.NaN;
  if (!(milliseconds >= 100 && milliseconds <= 3_600_000))
    throw new InvalidArgumentError('Expected 100ms to 60m, for example 10, 10s or 2m.');
  return milliseconds;
}

export function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new InvalidArgumentError('Expected a port, 1 to 65535.');
  return port;
}

export function wholeOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a number from 1 on.');
  return Number(text);
}

export function readOf(text: string): { host: string; file: string } {
  const cut = text.indexOf('=');
  const [host, file] = [text.slice(0, cut), text.slice(cut + 1)];
  if (cut < 1 || file === '' || !/^[A-Za-z0-9._-]{1,64}$/.test(host))
    throw new InvalidArgumentError('Expected NAME=FILE, for example proxy=proxy-eth0.pcap.');
  return { host, file };
}

/** Bytes; larger than 1 GiB is more than can be read again. */
export function bytesOf(text: string): number {
  const found = /^(\d{1,10})([KMG]?)$/i.exec(text);
  const factor = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[found?.[2]?.toUpperCase() ?? ''] ?? 1;
  const bytes = found ? Number(found[1]) * factor : Number.NaN;
  if (!(bytes >= 2 ** 20 && bytes <= 2 ** 30 - 2 ** 26)) throw new InvalidArgumentError('Expected 1M to 960M, for example 256M.');
  return bytes;
}
