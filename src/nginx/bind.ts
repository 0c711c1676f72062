import { isAddress } from '../net/address.js';
import type { Bind } from '../types.js';
import { inherited, type Scope } from './scope.js';
import { parsePort } from './units.js';
import type { Expand } from './variables.js';

const clientAddress = /^(?:remote_addr|realip_remote_addr|proxy_protocol_addr)$/;
const clientPort = /^(?:remote_port|realip_remote_port|proxy_protocol_port)$/;

/** The `proxy_bind` that holds in a scope; undefined where none does, or `off`, or a variable that is always empty. */
export function bindOf(scope: Scope, expand: Expand): Bind | undefined {
  const directive = inherited(scope, 'proxy_bind');
  if (!directive) return undefined;
  const [text = '', ...options] = directive.args;
  const value = expand(text, scope);
  // nginx takes an empty value for no bind at all (ngx_http_upstream_set_local); `off` counts only as written.
  if (text === 'off' || value === '') return undefined;
  return { text, transparent: options.includes('transparent'), ...readParts(value), at: directive.at };
}

type Parts = Pick<Bind, 'address' | 'fixedAddress' | 'port' | 'fixedPort'>;

function readParts(value: string): Parts {
  if (isAddress(value)) return { address: 'fixed', fixedAddress: value, port: 'none' };
  const [, bracketed, bare, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(value) ?? [];
  const address = bracketed ?? bare;
  if (address === undefined) return { address: 'unknown', port: 'unknown' };
  return { ...readAddress(address), ...readPort(port) };
}

function readAddress(text: string): Pick<Parts, 'address' | 'fixedAddress'> {
  if (isAddress(text)) return { address: 'fixed', fixedAddress: text };
  return { address: clientAddress.test(soleVariable(text)) ? 'client' : 'unknown' };
}

function readPort(text: string | undefined): Pick<Parts, 'port' | 'fixedPort'> {
  if (text === undefined) return { port: 'none' };
  const fixedPort = parsePort(text);
  if (fixedPort !== undefined) return { port: 'fixed', fixedPort };
  return { port: clientPort.test(soleVariable(text)) ? 'client' : 'unknown' };
}

/** The name in `${name}` when that is all there is, else nothing. */
function soleVariable(text: string): string {
  return /^\$\{(\w+)\}$/.exec(text)?.[1] ?? '';
}
