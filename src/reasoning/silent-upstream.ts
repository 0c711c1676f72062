import { combine } from '../cures/combine.js';
import { directiveText, editConfig } from '../cures/nginx.js';
import { sameAddress, withPort } from '../net/address.js';
import { configOf } from '../nginx/of-snapshot.js';
import { isOpen } from '../path/listening.js';
import { factOf } from '../path/world.js';
import type { Case, Cure, Directive, NginxMaster, Snapshot, Socket } from '../types.js';
import type { Broken } from './broken.js';
import { changeServers } from './servers.js';

function protocolOf({ walk }: Broken): 'tcp' | 'udp' {
  return walk.service.protocol === 'udp' ? 'udp' : 'tcp';
}

/** Sockets that are probably meant: the right port on another address. */
export function nearbySockets(c: Case, host: string, broken: readonly Broken[]): Socket[] {
  const open = (factOf(c.snapshots.get(host), 'sockets') ?? []).filter(isOpen);
  return open.filter((socket) =>
    broken.some((item) => socket.protocol === protocolOf(item) && socket.localPort === item.walk.upstream.port),
  );
}

/**
 * What can be done from here: open the listener where nginx itself is the upstream's server; send nginx to the port where it
 * listens; or, until the service runs again, take the upstream out of the rotation.
 */
export function listeningCures(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  const elsewhere = onlyOtherListener(c, host, broken);
  const onLoopback = ({ protocol, address, port }: ListenLine, { walk }: Broken) =>
    loopback(address) && protocol === walk.service.protocol && port === walk.upstream.port;
  return [
    reopen(c, host, broken, onLoopback),
    redirect(c, broken, elsewhere?.port),
    reopen(c, host, broken, (line) => line.directive === elsewhere?.directive),
    takeOut(c, broken),
  ].filter((cure) => cure !== undefined);
}

interface ListenLine {
  master: NginxMaster;
  directive: Directive;
  protocol: 'http' | 'tcp';
  /** Empty for a wildcard. */
  address: string;
  port: number;
}

/** TCP `listen` lines of the nginx on a host. */
function listenLines(snapshot: Snapshot | undefined): ListenLine[] {
  return (factOf(snapshot, 'nginx')?.masters ?? []).flatMap((master) =>
    (configOf(snapshot, master)?.directives ?? []).flatMap((block) => {
      if (block.name !== 'http' && block.name !== 'stream') return [];
      const protocol = block.name === 'http' ? 'http' : 'tcp';
      return listensIn(block).map((directive) => ({ master, directive, protocol, ...endpointOf(directive.args[0] ?? '') }));
    }),
  );
}

function listensIn(block: Directive): Directive[] {
  return (block.block ?? []).flatMap((directive) => {
    if (directive.name !== 'listen') return listensIn(directive);
    return directive.args.includes('udp') || directive.args.includes('quic') ? [] : [directive];
  });
}

function endpointOf(text: string): { address: string; port: number } {
  const [, address = '', port = '80'] = /^(?:(.*):)?(\d+)$/.exec(text) ?? ['', text];
  return { address: address === '*' ? '' : address, port: Number(port) };
}

const loopback = (address: string) => address.startsWith('127.') || address === 'localhost' || address === '[::1]';

/**
 * The upstream's own nginx listens, but not where it should: let it listen on the upstream's address and port as well. A wildcard in
 * place of a loopback address would fail, because a reload opens the new socket while the old one still holds the port.
 */
function reopen(c: Case, host: string, broken: readonly Broken[], fits: (line: ListenLine, broken: Broken) => boolean): Cure | undefined {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return undefined;
  const lines = listenLines(snapshot);
  const edits = broken.flatMap((item) => {
    const { address, port } = item.walk.upstream;
    const line = lines.find((candidate) => fits(candidate, item));
    const text = line && directiveText(snapshot, line.master.pid, line.directive);
    if (!line || !text || address === undefined) return [];
    const insert = `${text} listen ${withPort(address, port)};`;
    const why = `nginx on ${host} then answers on the address and port that are asked`;
    const cure = editConfig(snapshot, line.master.pid, { at: line.directive.at, remove: text, insert, why });
    return cure ? [[`${line.directive.at.file}:${line.directive.at.line}`, opened(cure, address, port)] as const] : [];
  });
  // Several walks meet the same line: it is edited once.
  return edits.length > 0 ? combine(host, [...new Map(edits).values()]) : undefined;
}

/** The copy has to show the socket that the reload opens. */
function opened(cure: Cure, address: string, port: number): Cure {
  const socket: Socket = { protocol: 'tcp', state: 'LISTEN', localAddress: address, localPort: port };
  return {
    ...cure,
    apply: (before) => {
      const after = cure.apply(before);
      const sockets = after.facts.sockets;
      return sockets?.ok ? { ...after, facts: { ...after.facts, sockets: { ok: true, value: [...sockets.value, socket] } } } : after;
    },
  };
}

/** The line on which the upstream's nginx can be reached for the one service that is broken, when there is exactly one. */
function onlyOtherListener(c: Case, host: string, broken: readonly Broken[]): ListenLine | undefined {
  const [service, ...others] = [...new Set(broken.map(({ walk }) => walk.service))];
  if (!service || others.length > 0) return undefined;
  const reachable = listenLines(c.snapshots.get(host)).filter(
    ({ protocol, address }) =>
      protocol === service.protocol && (address === '' || broken.every(({ walk }) => sameAddress(walk.upstream.address, address))),
  );
  return new Set(reachable.map(({ port }) => port)).size === 1 ? reachable[0] : undefined;
}

/** The upstream's nginx listens on another port: correct the `server` line on the proxy. */
function redirect(c: Case, broken: readonly Broken[], port: number | undefined): Cure | undefined {
  if (port === undefined) return undefined;
  const change = ({ walk: { upstream } }: Broken): [string, string] => [
    withPort(upstream.address ?? '', upstream.port),
    withPort(upstream.address ?? '', port),
  ];
  return changeServers(c, broken, change, `the upstream listens on port ${port}`);
}

/** nginx leaves the upstream out while its service is down. */
export function takeOut(c: Case, broken: readonly Broken[]): Cure | undefined {
  const alone = broken.some(
    ({ walk }) => walk.service.upstreams.filter((upstream) => !upstream.down && upstream.address !== walk.upstream.address).length === 0,
  );
  if (alone) return undefined;
  return changeServers(
    c,
    broken,
    () => [';', ' down;'],
    'until the service runs again nginx leaves this upstream out; then take "down" away and reload',
  );
}
