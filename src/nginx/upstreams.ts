import type { At, Directive, Service, Upstream } from '../types.js';
import { type HostNames, resolve, splitEndpoint } from './endpoint.js';
import { blocksWithin, type Scope, within } from './scope.js';
import { parseCount, parsePort } from './units.js';
import type { Expand } from './variables.js';

export interface Target {
  upstreams: readonly Upstream[];
  upstreamGroup?: NonNullable<Service['upstreamGroup']>;
}

/** What a `proxy_pass` can refer to in its http or stream block. */
export interface Names {
  kind: 'http' | 'stream';
  expand: Expand;
  groups: ReadonlyMap<string, Directive>;
  hostNames: HostNames;
}

/** The `upstream` blocks by name; nginx compares names without regard to case. */
export function upstreamGroups(context: Directive): ReadonlyMap<string, Directive> {
  return new Map(blocksWithin(context, 'upstream').map((group) => [group.args[0]?.toLowerCase() ?? '', group]));
}

/** Where a `proxy_pass` leads; no upstreams when that is decided per request or is a unix socket. */
export function targetOf(pass: Directive, scope: Scope, { kind, expand, groups, hostNames }: Names): Target {
  const url = expand(pass.args[0] ?? '', scope);
  const { authority, defaultPort } = kind === 'http' ? httpAuthority(url) : { authority: url, defaultPort: undefined };
  const group = groups.get(authority.toLowerCase());
  if (group) return { upstreams: serversOfGroup(group, kind, hostNames), upstreamGroup: describeGroup(group) };
  if (authority.includes('$')) return { upstreams: [] };
  return { upstreams: upstreamsAt(authority, defaultPort, pass.at, hostNames) };
}

interface Authority {
  authority: string;
  defaultPort: number | undefined;
}

/** `scheme://host:port/uri`; a variable in the URI part is no hindrance. */
function httpAuthority(url: string): Authority {
  const scheme = /^(https?|\$\{scheme\}):\/\//i.exec(url);
  if (!scheme) return { authority: '${unknown}', defaultPort: undefined };
  // These begin with a slash, so the host ends before them: `http://backend$request_uri`.
  const rest = url.slice(scheme[0].length).replace(/\$\{(?:request_uri|uri|document_uri)\}/, '/');
  const authority = rest.startsWith('unix:') ? rest : (/^[^/?#]*/.exec(rest)?.[0] ?? '');
  return { authority, defaultPort: scheme[1]?.toLowerCase() === 'https' ? 443 : 80 };
}

function describeGroup(group: Directive): NonNullable<Service['upstreamGroup']> {
  const keepalive = within(group, 'keepalive')[0];
  const connections = parseCount(keepalive?.args[0]);
  // nginx_upstream_check_module, as Tengine and OpenResty builds have it.
  const check = within(group, 'check')[0];
  const described = { name: group.args[0] ?? '', at: group.at, ...(check ? { healthCheck: check.at } : {}) };
  return keepalive && connections !== undefined ? { ...described, keepalive: { value: connections, at: keepalive.at } } : described;
}

function serversOfGroup(group: Directive, kind: 'http' | 'stream', hostNames: HostNames): readonly Upstream[] {
  return within(group, 'server').flatMap(({ args: [endpoint = '', ...options], at }) =>
    upstreamsAt(endpoint, kind === 'http' ? 80 : undefined, at, hostNames).map((upstream) => ({
      ...upstream,
      down: options.includes('down'),
      backup: options.includes('backup'),
      ...maxFailsOf(options),
    })),
  );
}

function maxFailsOf(options: readonly string[]): Pick<Upstream, 'maxFails'> {
  const written = options.find((option) => option.startsWith('max_fails='));
  const maxFails = parseCount(written?.slice('max_fails='.length));
  return maxFails === undefined ? {} : { maxFails };
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
