import { canonical, familyOf, isAddress } from '../net/address.js';
import type { Family } from '../types.js';

export interface NumericAddress {
  address: string;
  family: Family;
}

/** Name → addresses, as /etc/hosts has them. */
export type HostNames = Readonly<Record<string, readonly string[]>>;

/**
 * Splits `host:port`, `[v6]:port`, `host` or `[v6]` as ngx_parse_url does; the port stays text, for it may be a range or a variable.
 * Undefined for `unix:` and for what is neither.
 */
export function splitEndpoint(text: string): { host: string; port?: string } | undefined {
  if (text.startsWith('unix:') || text.length > 4096) return undefined;
  const bracketed = /^\[([^\]]*)\](?::(.+))?$/.exec(text);
  const [, host = '', port] = bracketed ?? /^([^:[\]]+)(?::(.+))?$/.exec(text) ?? [];
  if (host === '') return undefined;
  return port === undefined ? { host } : { host, port };
}

/** Every address of a host name, none when it cannot be told without asking a resolver. */
export function resolve(host: string, names: HostNames): readonly NumericAddress[] {
  const known = isAddress(host) ? [host] : Object.hasOwn(names, host.toLowerCase()) ? (names[host.toLowerCase()] ?? []) : [];
  const addresses = known.length === 0 && host === 'localhost' ? ['127.0.0.1'] : known;
  return addresses.flatMap((address) => {
    const family = familyOf(address);
    return family ? [{ address: canonical(address), family }] : [];
  });
}
