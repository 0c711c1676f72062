import { combine } from '../../src/cures/combine.js';
import { dropRoute, putRoute } from '../../src/cures/routing.js';
import { sameAddress } from '../../src/net/address.js';
import { contains } from '../../src/net/prefix.js';
import { forwards } from '../../src/path/sysctls.js';
import { connectedPrefixes, factOf } from '../../src/path/world.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { misleadingRoute, misled } from '../../src/reasoning/misled.js';
import { refusingRoute } from '../../src/reasoning/refusing-route.js';
import { linkSysctl, sourceVerdict } from '../../src/reasoning/source-validation.js';
import type { Case, Cure, Evidence, Route, Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'the host that answers the client has no route to it',
  why: "Clients ask nginx, and nginx answers them from its own address: without a route to the client, with one that refuses it (blackhole, unreachable, prohibit) or one that leads to a host that is no router, no TCP handshake ends and no datagram goes out. It is no matter of transparency. Where nginx's host is the router of DSR replies, these end there, too.",
  signs: {
    logs: 'TCP: nothing at all, for nginx never gets a connection, and no socket stays in SYN-RECV. UDP: nginx takes the reply in and cannot pass it on: `sendmsg() failed (22: Invalid argument) while proxying and sending to client` for blackhole, 13 for prohibit; nothing for unreachable or no route. IpOutNoRoutes grows. With rp_filter on, the request is dropped instead, and TcpExtIPReversePathFilter grows.',
    packets:
      "The client's SYN reaches nginx's host, over and over, and no SYN-ACK leaves it. UDP: all is seen but the answer to the client.",
  },
  proof:
    '`ip route get` for the client fails on the host that should answer. Not this: a ping that gets no answer although there is a route; the client may drop pings, or the way may end further on.',
  cure: {
    how: [
      'See what decides, then take the refusing route away, or give the way to the clients:',
      '  ip route get 192.168.99.50 from 192.168.99.10',
      '  ip route del blackhole 192.168.99.48/28',
      '  ip route add default via 192.168.99.1',
    ].join('\n'),
    touches: ['route'],
  },
  run: (c) =>
    [...groupBy(unanswerable(c), ({ at }) => at)].map(([host, broken]) => {
      const clients = distinct(broken.map(({ walk }) => walk.client));
      const wrong = distinct(broken.flatMap(({ step }) => (step.host === host ? [] : step.host)));
      const how = wrong.length === 0 ? 'has no route to' : `sends what is for them to ${list(wrong)}, which does not pass it on:`;
      return concludeFrom(broken, {
        host,
        summary: `${host} ${how} ${list(clients)} and cannot answer (${serviceList(broken)})`,
        evidence: failedPings(c, host, clients),
        cures: cures(c, host, broken),
        verify: clients.map((client) => `ip ${client.includes(':') ? '-6 ' : ''}route get ${client}   # must name a link`),
      });
    }),
};

/** Seen where nginx answers, where a gateway would pass a DSR reply on, or already by source validation of the request. */
function unanswerable(c: Case): (Broken & { at: string })[] {
  const real = ({ walk }: Broken) => !walk.clientAssumed;
  const forwarding = ({ step, walk }: Broken) => {
    const sysctls = factOf(c.snapshots.get(step.host), 'sysctls');
    const isOn = sysctls !== undefined && forwards(sysctls, step.in ?? 'all', step.packet.family);
    return walk.service.mode.startsWith('dsr') && step.leg === 'reply' && step.route?.answer?.type === 'error' && isOn;
  };
  const refused = ({ step }: Broken) => {
    if (step.leg !== 'request' || step.in === undefined) return false;
    const verdict = sourceVerdict(c, step, { [linkSysctl('all', 'rp_filter')]: '2', [linkSysctl(step.in, 'rp_filter')]: '2' });
    return verdict?.valid === false && verdict.reason === 'loose';
  };
  const elsewhere = misled(c).filter(({ at, step, walk }) => at === walk.service.host || step.leg === 'answer');
  const known = new Set(elsewhere.map(({ walk }) => walk));
  const here = [
    ...brokenBy(c, 'no-route').filter(({ step, walk }) => step.leg === 'answer' && step.host === walk.service.host),
    ...brokenBy(c, 'not-forwarded').filter(forwarding),
    ...brokenBy(c, 'source-invalid').filter(refused),
  ].filter(({ walk }) => !known.has(walk));
  return [...elsewhere, ...here.map((broken) => ({ ...broken, at: broken.step.host }))].filter(real);
}

function failedPings(c: Case, host: string, clients: readonly string[]): Evidence[] {
  const failed = (factOf(c.snapshots.get(host), 'pings') ?? []).filter(
    ({ ok, to }) => !ok && clients.some((client) => sameAddress(client, to)),
  );
  return failed.map(({ to, text }) => ({ host, what: text, source: `ping ${to}` }));
}

/** The routes that refuse go; where that leads nowhere, the subnet that the client is in gets its route back. */
function cures(c: Case, host: string, broken: readonly (Broken & { at: string })[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const answers = broken.map(({ walk, step: { packet } }) => ({
    family: packet.family,
    source: walk.vip ?? packet.source,
    destination: walk.client,
    mark: 0,
  }));
  const refusing = distinct(answers.flatMap((packet) => refusingRoute(snapshot, packet) ?? []));
  const misleading = distinct(
    broken.flatMap((item) => (item.at === host && item.step.host !== host ? (misleadingRoute(c, item) ?? []) : [])),
  );
  const dropped = [
    ...refusing.map((route) => dropRoute(snapshot, route, `this route refuses packets to ${route.to}`)),
    ...misleading.map((route) =>
      dropRoute(snapshot, route, `this route takes packets to ${route.to} to a host that does not pass them on`),
    ),
  ];
  const near = new Map(
    answers.flatMap(({ family, destination }) => {
      const found = connectedPrefixes(snapshot, family).find(({ prefix }) => contains(prefix, destination));
      return found ? [[destination, { family, link: found.link }] as const] : [];
    }),
  );
  const placed = [...near].map(([client, { family, link }]) => {
    const route: Route = {
      family,
      type: 'unicast',
      to: `${client}/${family === 4 ? 32 : 128}`,
      table: 'main',
      nextHops: [{ link }],
      metric: family === 6 ? 1024 : 0,
    };
    return putRoute(snapshot, route, `${client} is in a subnet of ${link}`);
  });
  return [dropped, placed].flatMap((parts) => (parts.length > 0 ? [combine(host, parts)] : []));
}

export default rule;
