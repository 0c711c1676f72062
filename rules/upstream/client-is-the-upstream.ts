import { combine } from '../../src/cures/combine.js';
import { directiveText, editConfig, findMaster, lineAt } from '../../src/cures/nginx.js';
import { compareAddresses } from '../../src/net/address.js';
import { configOf } from '../../src/nginx/of-snapshot.js';
import { isOwnClient } from '../../src/path/own-client.js';
import { type Broken, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import type { Bind, Cure, Directive, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: 'an upstream asks itself or its peers by way of nginx',
  why: "nginx asks under the address of the client, and here the client is an upstream. What it sends to that very host has the host's own address as source, which the kernel takes for a martian and drops; its peers are in the same subnet and answer it directly, past nginx. Such a client gains nothing from transparency, so nginx should connect for it under its own address.",
  signs: {
    logs: '504, and `upstream timed out (110: Connection timed out) while connecting to upstream, client: 172.16.0.11`, for clients that are upstreams only. Others are served.',
    packets:
      'At the upstream a SYN comes in with its own address as source, and nothing is sent. At its peers the SYN-ACK leaves straight for the upstream that asked, which resets it.',
  },
  proof:
    "The client's address in nginx's logs is an address of a host that is an upstream of the same service. Not this: an upstream that asks another service, whose servers reply by way of nginx.",
  cure: {
    how: [
      'Except them; an empty value is no bind at all. Beside the servers, in http or in stream, write `map $remote_addr $client_to_bind { default $remote_addr; 172.16.0.11 ""; }`, and in the service `proxy_bind $client_to_bind transparent;`. Then',
      '  nginx -s reload',
    ].join('\n'),
    touches: ['nginx'],
  },
  run: (c) => {
    const broken = c.walks.flatMap((walk): Broken[] => {
      const step = walk.steps.at(-1);
      const concerned =
        walk.end === 'broken' &&
        walk.service.mode === 'transparent' &&
        !walk.clientAssumed &&
        isOwnClient(c.snapshots, walk.service, walk.client);
      return concerned && step && step.leg !== 'request' ? [{ walk, step }] : [];
    });
    return [...groupBy(broken, ({ walk }) => walk.service.host)].map(([host, items]) => {
      const clients = distinct(items.map(({ walk }) => walk.client)).sort(compareAddresses);
      return concludeFrom(items, {
        host,
        summary: `${list(clients)} ${clients.length > 1 ? 'ask' : 'asks'} nginx on ${host}, whose upstreams ${clients.length > 1 ? 'they are' : 'it is'} (${serviceList(items)})`,
        cures: exempting(c.snapshots.get(host), items, clients),
        verify: clients.map((client) => `on the upstream: curl --interface ${client} http://NGINX/   # must be answered`),
      });
    });
  },
};

/** Each bind goes through a map that knows the exceptions. Lines above others are changed last, so that the numbers of all hold. */
function exempting(snapshot: Snapshot | undefined, broken: readonly Broken[], clients: readonly string[]): Cure[] {
  if (!snapshot) return [];
  const binds = [...new Map(broken.flatMap(({ walk: { service } }) => (service.bind ? [[keyOf(service.bind), service]] : [])))].map(
    ([, service]) => service,
  );
  const replaced = binds.flatMap(({ master, bind }) => (bind ? (throughMap(snapshot, master, bind) ?? []) : []));
  const maps = binds.flatMap(({ master, bind }) => (bind ? (mapIn(snapshot, master, bind, clients) ?? []) : []));
  const distinctMaps = [...new Map(maps.map((map) => [`${map.at.file}:${map.at.line}`, map])).values()].sort(
    (a, b) => b.at.line - a.at.line,
  );
  if (replaced.length < binds.length || distinctMaps.length === 0) return [];
  return [combine(snapshot.host, [...replaced, ...distinctMaps.map(({ cure }) => cure)])];
}

function keyOf({ at }: Bind): string {
  return `${at.file}:${at.line}`;
}

const variable = '$client_to_bind';

function throughMap(snapshot: Snapshot, pid: number, bind: Bind): Cure | undefined {
  const text = directiveText(snapshot, pid, { name: 'proxy_bind', at: bind.at });
  if (!text || bind.text !== '$remote_addr') return undefined;
  const why = 'nginx then binds to what the map says, and to nothing for an upstream that asks';
  return editConfig(snapshot, pid, { at: bind.at, remove: text, insert: text.replace(bind.text, () => variable), why });
}

/** A line before the first directive of the http or stream block that the bind stands in. */
function mapIn(snapshot: Snapshot, pid: number, bind: Bind, clients: readonly string[]): { at: Bind['at']; cure: Cure } | undefined {
  const master = findMaster(snapshot, pid);
  const contexts = master ? (configOf(snapshot, master)?.directives ?? []).filter(({ name }) => name === 'http' || name === 'stream') : [];
  const context = contexts.find((block) => holds(block, bind));
  const first = context?.block?.[0];
  if (!context || !first || (first.at.file === context.at.file && first.at.line === context.at.line)) return undefined;
  const indent = /^\s*/.exec(lineAt(snapshot, pid, first.at) ?? '')?.[0] ?? '';
  const exceptions = clients.map((client) => `${client} "";`).join(' ');
  const insert = `${indent}map $remote_addr ${variable} { default $remote_addr; ${exceptions} }`;
  const cure = editConfig(snapshot, pid, {
    at: first.at,
    remove: null,
    insert,
    why: 'clients that are upstreams are excepted by their addresses',
  });
  return cure && { at: first.at, cure };
}

function holds(block: Directive, bind: Bind): boolean {
  return (block.block ?? []).some(
    (directive) => (directive.name === 'proxy_bind' && keyOf({ ...bind, at: directive.at }) === keyOf(bind)) || holds(directive, bind),
  );
}

export default rule;
