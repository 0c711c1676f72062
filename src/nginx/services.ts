import type { At, Directive, Listener, NginxMaster, ParsedConfig, Service, Setting } from '../types.js';
import { bindOf } from './bind.js';
import type { HostNames } from './endpoint.js';
import { listenersOf, proxyProtocolListen } from './listeners.js';
import { modeOf } from './mode.js';
import { blocksWithin, descendants, inherited, inheritedAll, type Scope } from './scope.js';
import { uniqueIds } from './service-ids.js';
import { parseCount, parseTime } from './units.js';
import { type Names, targetOf, upstreamGroups } from './upstreams.js';
import { type Expand, variablesOf } from './variables.js';

export interface ServiceContext {
  host: string;
  master: NginxMaster;
  hostNames: HostNames;
}

/** One `proxy_pass` found, before it has its final id. */
export interface Found {
  service: Service;
  scope: Scope;
}

/** Every `proxy_pass` of a configuration that a network listener reaches, in the order of the configuration. */
export function readServices(parsed: ParsedConfig, context: ServiceContext): Service[] {
  const found = (['http', 'stream'] as const).flatMap((kind) =>
    parsed.directives.filter(({ name, block }) => name === kind && block).flatMap((block) => servicesOf(kind, block, context)),
  );
  return uniqueIds(found);
}

function servicesOf(kind: 'http' | 'stream', block: Directive, context: ServiceContext): Found[] {
  const { hostNames, master } = context;
  const names: Names = { kind, expand: variablesOf(block), groups: upstreamGroups(block), hostNames };
  return blocksWithin(block, 'server').flatMap((server) => {
    const listeners = listenersOf(server, { kind, hostNames, masterIsRoot: master.uid === 0 });
    if (listeners.length === 0) return [];
    const passes = [...descendants(server, 'proxy_pass', [block])];
    return passes.map(({ directive, scope }) => ({ service: serviceOf(directive, scope, listeners, names, context), scope }));
  });
}

function serviceOf(pass: Directive, scope: Scope, listeners: readonly Listener[], names: Names, context: ServiceContext): Service {
  const { kind, expand } = names;
  const service = {
    id: '',
    host: context.host,
    master: context.master.pid,
    protocol: kind === 'http' ? kind : (listeners[0]?.protocol ?? 'tcp'),
    listeners,
    ...targetOf(pass, scope, names),
    ...present({
      bind: bindOf(scope, expand),
      proxyResponses: setting(inherited(scope, 'proxy_responses'), parseCount),
      proxyRequests: setting(inherited(scope, 'proxy_requests'), parseCount),
      proxyTimeout: setting(inherited(scope, 'proxy_timeout'), parseTime),
      httpVersion: setting(inherited(scope, 'proxy_http_version'), (text) => text),
      connectionHeader: connectionHeader(scope, expand),
      healthCheck: inherited(scope, 'health_check')?.at,
      sendsProxyProtocol: kind === 'stream' ? switchedOn(inherited(scope, 'proxy_protocol')) : undefined,
      realip: realip(scope, expand),
    }),
    at: pass.at,
  };
  return { ...service, mode: modeOf(service) };
}

function switchedOn(directive: Directive | undefined): At | undefined {
  return directive?.args[0] === 'on' ? directive.at : undefined;
}

function setting<T>(directive: Directive | undefined, parse: (text: string) => T | undefined): Setting<T> | undefined {
  const value = directive?.args[0] === undefined ? undefined : parse(directive.args[0]);
  return directive && value !== undefined ? { value, at: directive.at } : undefined;
}

/** What `Connection` is set to; undefined leaves nginx's own, which is `close` before 1.29.7. */
function connectionHeader(scope: Scope, expand: Expand): Setting<string> | undefined {
  const header = inheritedAll(scope, 'proxy_set_header').findLast(({ args }) => args[0]?.toLowerCase() === 'connection');
  return header && { value: expand(header.args[1] ?? '', scope), at: header.at };
}

/** The line that makes `$remote_addr` something else than the peer's address. */
function realip(scope: Scope, expand: Expand): Service['realip'] {
  const server = scope.find(({ name }) => name === 'server');
  const listen = server && proxyProtocolListen(server);
  const bind = expand(inherited(scope, 'proxy_bind')?.args[0] ?? '', scope);
  if (bind.includes('${realip_remote_addr}')) return undefined;
  if (bind.includes('${proxy_protocol_addr}')) return listen?.at;
  const from = inherited(scope, 'set_real_ip_from');
  const header = scope[0]?.name === 'stream' ? 'proxy_protocol' : inherited(scope, 'real_ip_header')?.args[0];
  return header === 'proxy_protocol' && !listen ? undefined : from?.at;
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined, so that absent settings are absent in JSON and in comparisons. */
function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}
