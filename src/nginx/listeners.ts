import type { Directive, Family, Listener } from '../types.js';
import { type HostNames, resolve, splitEndpoint } from './endpoint.js';
import { within } from './scope.js';
import { parsePort } from './units.js';

/** A range of ports wider than this keeps its first ones: a thousand listeners say as much as ten thousand. */
const widestRange = 1000;

export interface ListenContext {
  kind: 'http' | 'stream';
  hostNames: HostNames;
  /** nginx without root listens on 8000 by default (ngx_http_core_server). */
  masterIsRoot: boolean;
}

/** The sockets of a `server` block. Unix sockets and QUIC are left out: nothing of this tool's concern reaches them. */
export function listenersOf(server: Directive, context: ListenContext): readonly Listener[] {
  const listens = within(server, 'listen');
  if (listens.length > 0) return listens.flatMap((listen) => listenersOfLine(listen, context));
  if (context.kind === 'stream') return [];
  const port = context.masterIsRoot ? 80 : 8000;
  return [{ family: 4, port, protocol: 'tcp', reuseport: false, at: server.at }];
}

/** Whether one of the listeners expects the PROXY protocol; gives the line. */
export function proxyProtocolListen(server: Directive): Directive | undefined {
  return within(server, 'listen').find(({ args }) => args.slice(1).includes('proxy_protocol'));
}

function listenersOfLine(listen: Directive, context: ListenContext): readonly Listener[] {
  const [endpoint = '', ...options] = listen.args;
  if (options.includes('quic')) return [];
  const protocol = context.kind === 'stream' && options.includes('udp') ? 'udp' : 'tcp';
  const reuseport = options.includes('reuseport');
  const { host, ports } = parseListen(endpoint, context.kind);
  const addresses = listenAddresses(host, options.includes('ipv6only=off'), context.hostNames);
  return ports.flatMap((port) => addresses.map((address) => ({ ...address, port, protocol, reuseport, at: listen.at })));
}

function parseListen(endpoint: string, kind: 'http' | 'stream'): { host: string; ports: readonly number[] } {
  const bare = portsOf(endpoint);
  if (bare.length > 0) return { host: '*', ports: bare };
  const split = splitEndpoint(endpoint);
  if (!split) return { host: '*', ports: [] };
  // Only http has a default port.
  const ports = split.port === undefined ? (kind === 'http' ? [80] : []) : portsOf(split.port);
  return { host: split.host, ports };
}

function portsOf(text: string): readonly number[] {
  const [first, last = first, ...rest] = text.split('-').map(parsePort);
  if (first === undefined || last === undefined || rest.length > 0 || last < first) return [];
  return Array.from({ length: Math.min(last - first + 1, widestRange) }, (_, i) => first + i);
}

function listenAddresses(host: string, bothFamilies: boolean, hostNames: HostNames): readonly { family: Family; address?: string }[] {
  if (host === '*') return [{ family: 4 }];
  return resolve(host, hostNames).flatMap(({ address, family }): { family: Family; address?: string }[] => {
    if (address === '0.0.0.0') return [{ family: 4 }];
    if (address === '::') return bothFamilies ? [{ family: 6 }, { family: 4 }] : [{ family: 6 }];
    return [{ family, address }];
  });
}
