import type { At, Directive, Service, Upstream } from '../types.js';
import { type HostNames, resolve, splitEndpoint } from './endpoint.js';
import { blocksNamed, type Scope } from './scope.js';
import { parseCount, parsePort } from './units.js';
import type { Expand } from './variables.js';

export interface Target {
  upstreams: readonly Upstream[];
  upstreamGroup?: NonNullable<Service['upstreamGroup']>;
}

/** Where a `proxy_pass` leads; no upstreams when that is decided per request or is a unix socket. */
export function targetOf(pass: Directive, scope: Scope, expand: Expand, hostNames: HostNames): Target {
  const [context] = scope;
  const kind = context?.name === 'stream' ? 'stream' : 'http';
  const { authority, defaultPort } = kind === 'http' ? httpAuthority(pass, scope, expand) : streamAuthority(pass, scope, expand);
  const group = context && groupNamed(context, authority);
  if (group) return { upstreams: serversOfGroup(group, kind, hostNames), upstreamGroup: describeGroup(group) };
  if (authority.includes('$')) return { upstreams: [] };
  return { upstreams: upstreamsAt(authority, defaultPort, pass.at, hostNames) };
}

interface Authority {
  authority: string;
  defaultPort: number | undefined;
}

/** `scheme://host:port/uri`; a variable in the URI part is no hindrance. */
function httpAuthority(pass: Directive, scope: Scope, expand: Expand): Authority {
  const url = expand(pass.args[0] ?? '', scope);
  const scheme = /^(https?|\$\{scheme\}):\/\//i.exec(url);
  if (!scheme) return { authority: '${unknown}', defaultPort: undefined };
  // These begin with a slash, so the host ends before them: `http://backend$request_uri`.
  const rest = url.slice(scheme[0].length).replace(/\$\{(?:request_uri|uri|document_uri)\}/, '/');
  const authority = rest.startsWith('unix:') ? rest : (/^[^/?#]*/.exec(rest)?.[0] ?? '');
  return { authority, defaultPort: scheme[1]?.toLowerCase() === 'https' ? 443 : 80 };
}

function streamAuthority(pass: Directive, scope: Scope, expand: Expand): Authority {
  return { authority: expand(pass.args[0] ?? '', scope), defaultPort: undefined };
}

function groupNamed(context: Directive, authority: string): Directive | undefined {
  const name = authority.toLowerCase();
  return blocksNamed(context.block ?? [], 'upstream').find(({ args }) => args[0]?.toLowerCase() === name);
}

function describeGroup(group: Directive): NonNullable<Service['upstreamGroup']> {
  const keepalive = group.block?.find(({ name }) => name === 'keepalive');
  const connections = parseCount(keepalive?.args[0]);
  const described = { name: group.args[0] ?? '', at: group.at };
  return keepalive && connections !== undefined ? { ...described, keepalive: { value: connections, at: keepalive.at } } : described;
}

function serversOfGroup(group: Directive, kind: 'http' | 'stream', hostNames: HostNames): readonly Upstream[] {
  const servers = (group.block ?? []).filter(({ name }) => name === 'server');
  return servers.flatMap(({ args: [endpoint = '', ...options], at }) =>
    upstreamsAt(endpoint, kind === 'http' ? 80 : undefined, at, hostNames).map((upstream) => ({
      ...upstream,
      down: options.includes('down'),
      backup: options.includes('backup'),
    })),
  );
}

/** A name with several addresses is as many peers; one that nobody knows here is a single peer without address. */
function upstreamsAt(endpoint: string, defaultPort: number | undefined, at: At, hostNames: HostNames): readonly Upstream[] {
  const split = splitEndpoint(endpoint);
  const port = split?.port === undefined ? defaultPort : parsePort(split.port);
  if (!split || port === undefined) return [];
  const peer = { port, name: endpoint, down: false, backup: false, at };
  const addresses = resolve(split.host, hostNames);
  return addresses.length > 0 ? addresses.map((address) => ({ ...address, ...peer })) : [peer];
}
