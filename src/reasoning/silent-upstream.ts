import { combine } from '../cures/combine.js';
import { directiveText, editConfig } from '../cures/nginx.js';
import { configOf } from '../nginx/of-snapshot.js';
import { isOpen } from '../path/listening.js';
import { factOf } from '../path/world.js';
import type { Case, Cure, Directive, NginxMaster, Snapshot, Socket } from '../types.js';
import { type Broken, groupBy } from './broken.js';

interface Nearby {
  broken: Broken;
  socket: Socket;
}

function protocolOf({ walk }: Broken): 'tcp' | 'udp' {
  return walk.service.protocol === 'udp' ? 'udp' : 'tcp';
}

/** Sockets that are probably meant: the right port on another address, else the only other port of nginx or of the same program. */
export function nearbySockets(c: Case, host: string, broken: readonly Broken[]): Nearby[] {
  const open = (factOf(c.snapshots.get(host), 'sockets') ?? []).filter(isOpen);
  return broken.flatMap((item) => {
    const candidates = open.filter((socket) => socket.protocol === protocolOf(item));
    const socket = candidates.find((candidate) => candidate.localPort === item.walk.upstream.port);
    return socket ? [{ broken: item, socket }] : [];
  });
}

/**
 * What can be done from here: open the listener where nginx itself is the upstream's server; send nginx to the port where it
 * listens; or, until the service runs again, take the upstream out of the rotation.
 */
export function listeningCures(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  return [reopen(c, host, broken), redirect(c, host, broken), takeOut(c, broken)].filter((cure) => cure !== undefined);
}

/** `listen` lines of the nginx on a host, with the master they belong to. */
function listenLines(snapshot: Snapshot | undefined): { master: NginxMaster; directive: Directive; address: string; port: number }[] {
  return (factOf(snapshot, 'nginx')?.masters ?? []).flatMap((master) => {
    const all = (directives: readonly Directive[]): Directive[] =>
      directives.flatMap((directive) => [directive, ...all(directive.block ?? [])]);
    return all(configOf(snapshot, master)?.directives ?? [])
      .filter((directive) => directive.name === 'listen')
      .map((directive) => {
        const [, address = '', port = '80'] = /^(?:(.*):)?(\d+)$/.exec(directive.args[0] ?? '') ?? [];
        return { master, directive, address, port: Number(port) };
      });
  });
}

/** The upstream's own nginx listens on loopback only: let it listen on the port itself. */
function reopen(c: Case, host: string, broken: readonly Broken[]): Cure | undefined {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return undefined;
  const wanted = new Set(broken.filter((item) => protocolOf(item) === 'tcp').map(({ walk }) => walk.upstream.port));
  const edits = listenLines(snapshot)
    .filter(({ address, port }) => wanted.has(port) && (address.startsWith('127.') || address === 'localhost' || address === '[::1]'))
    .flatMap(({ master, directive, address, port }) => {
      const text = directiveText(snapshot, master.pid, directive);
      const insert = text?.replace(`${address}:${port}`, address.startsWith('[') ? `[::]:${port}` : String(port));
      const cure =
        text &&
        insert &&
        editConfig(snapshot, master.pid, { at: directive.at, remove: text, insert, why: `${address} is reached from this host alone` });
      return cure ? [opened(cure, port)] : [];
    });
  return edits.length > 0 ? combine(host, edits) : undefined;
}

/** The copy has to show the socket that the reload opens. */
function opened(cure: Cure, port: number): Cure {
  const socket: Socket = { protocol: 'tcp', state: 'LISTEN', localAddress: '0.0.0.0', localPort: port };
  return {
    ...cure,
    apply: (before) => {
      const after = cure.apply(before);
      const sockets = after.facts.sockets;
      return sockets?.ok ? { ...after, facts: { ...after.facts, sockets: { ok: true, value: [...sockets.value, socket] } } } : after;
    },
  };
}

/** The upstream's nginx listens on exactly one other port: correct the `server` line on the proxy. */
function redirect(c: Case, host: string, broken: readonly Broken[]): Cure | undefined {
  const others = listenLines(c.snapshots.get(host)).filter(
    ({ address }) => address === '' || broken.some(({ walk }) => walk.upstream.address === address),
  );
  const [only, ...rest] = [...new Set(others.map(({ port }) => port))];
  if (only === undefined || rest.length > 0 || broken.some((item) => protocolOf(item) === 'udp')) return undefined;
  return changeServerLines(
    c,
    broken,
    ({ address, port }) => [`${address}:${port}`, `${address}:${only}`],
    `the upstream listens on port ${only}`,
  );
}

/** nginx leaves the upstream out while its service is down. */
function takeOut(c: Case, broken: readonly Broken[]): Cure | undefined {
  const alone = broken.some(
    ({ walk }) => walk.service.upstreams.filter((upstream) => !upstream.down && upstream.address !== walk.upstream.address).length === 0,
  );
  if (alone) return undefined;
  return changeServerLines(
    c,
    broken,
    () => [';', ' down;'],
    'until the service runs again nginx leaves this upstream out; then take "down" away and reload',
  );
}

/** Edits each `server` line of the silent upstreams; `change` gives the words to replace and their replacement. */
function changeServerLines(
  c: Case,
  broken: readonly Broken[],
  change: (upstream: { address: string; port: number }) => [string, string],
  why: string,
): Cure | undefined {
  const first = broken[0]?.walk.service;
  const snapshot = first && c.snapshots.get(first.host);
  if (!snapshot || !first) return undefined;
  const lines = groupBy(broken, ({ walk: { upstream } }) => `${upstream.at.file}:${upstream.at.line}:${upstream.at.column}`);
  const edits = [...lines.values()].flatMap(([item]) => {
    const upstream = item?.walk.upstream;
    if (!item || upstream?.address === undefined) return [];
    const text = directiveText(snapshot, item.walk.service.master, { name: 'server', at: upstream.at });
    const [from, to] = change({ address: upstream.address, port: upstream.port });
    if (text === undefined || !text.includes(from)) return [];
    return (
      editConfig(snapshot, item.walk.service.master, { at: upstream.at, remove: text, insert: text.replace(from, () => to), why }) ?? []
    );
  });
  return edits.length === lines.size ? combine(snapshot.host, edits) : undefined;
}
