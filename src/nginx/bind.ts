import { isAddress } from '../net/address.js';
import type { Bind } from '../types.js';
import { blocksWithin, inherited, type Scope } from './scope.js';
import { parsePort } from './units.js';
import type { Expand } from './variables.js';

const clientAddress = /^(?:remote_addr|realip_remote_addr|proxy_protocol_addr)$/;
const clientPort = /^(?:remote_port|realip_remote_port|proxy_protocol_port)$/;

/** The `proxy_bind` that holds in a scope; undefined where none does, or `off`, or a variable that is always empty. */
export function bindOf(scope: Scope, expand: Expand): Bind | undefined {
  const directive = inherited(scope, 'proxy_bind');
  if (!directive) return undefined;
  const [text = '', ...options] = directive.args;
  const byClient = clientMap(text, scope);
  const value = expand(byClient?.otherwise ?? text, scope);
  // nginx takes an empty value for no bind at all (ngx_http_upstream_set_local); `off` counts only as written.
  if (text === 'off' || value === '') return undefined;
  const notFor = byClient ? { notFor: byClient.exceptions } : {};
  return { text, transparent: options.includes('transparent'), ...readParts(value), ...notFor, at: directive.at };
}

/** `map $remote_addr $name { default …; 192.0.2.1 ""; }`: what holds for all clients but some that are written out. */
function clientMap(text: string, scope: Scope): { otherwise: string; exceptions: string[] } | undefined {
  const context = scope[0];
  const map = context && blocksWithin(context, 'map').findLast(({ args }) => args[1] === text);
  if (!map || clientAddress.test((map.args[0] ?? '').replace(/^\$/, '')) === false) return undefined;
  const entries = map.block ?? [];
  const otherwise = entries.find(({ name }) => name === 'default')?.args[0];
  const exceptions = entries.filter(({ name }) => name !== 'default');
  if (otherwise === undefined || !exceptions.every(({ name, args }) => isAddress(name) && args.length === 1)) return undefined;
  return { otherwise, exceptions: exceptions.filter(({ args }) => args[0] !== otherwise).map(({ name }) => name) };
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
