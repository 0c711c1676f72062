import { combine } from '../../src/cures/combine.js';
import { dropRoute, putRoute } from '../../src/cures/routing.js';
import { setSysctls } from '../../src/cures/sysctl.js';
import { sameAddress } from '../../src/net/address.js';
import { contains } from '../../src/net/prefix.js';
import { forwards } from '../../src/path/sysctls.js';
import { connectedPrefixes, factOf } from '../../src/path/world.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { misleadingRoute, misled } from '../../src/reasoning/misled.js';
import { refusingRoute } from '../../src/reasoning/refusing-route.js';
import { linkSysctl, sourceVerdict } from '../../src/reasoning/source-validation.js';
import type { Case, Cure, Evidence, Route, Rule, Step } from '../../src/types.js';

const rule: Rule = {
  title: 'a host between nginx and the client has no way to the other end',
  why: "Clients ask nginx, and nginx answers them from its own address: without a route to the client, with one that refuses it (blackhole, unreachable, prohibit) or one that leads to a host that is no router, no TCP handshake ends and no datagram goes out. A client's host or a router before nginx without a way to nginx, or one that forwards nothing, does the same from the other side. It is no matter of transparency. Where nginx's host is the router of DSR replies, these end there, too.",
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
    [...groupBy(lost(c), ({ at }) => at)].map(([host, broken]) => {
      const targets = distinct(broken.map(({ to }) => to));
      return concludeFrom(broken, {
        host,
        summary: `${host} ${whatItDoes(c, host, broken)} ${list(targets)} (${serviceList(broken)})`,
        evidence: failedPings(c, host, targets),
        cures: cures(c, host, broken),
        verify: targets.map((target) => `ip ${target.includes(':') ? '-6 ' : ''}route get ${target}   # must name a link`),
      });
    }),
};

/** `at`: whose routing is wrong; `to`: the end that it does not reach. */
interface Lost extends Broken {
  at: string;
  to: string;
}

/**
 * What nginx's host, or a gateway, does not bring to the client: seen where nginx answers, where a gateway would pass a DSR reply on, or already by
 * source validation of the request. And what a client's host or a router before nginx does not bring to nginx.
 */
function lost(c: Case): Lost[] {
  const forwarding = ({ step, walk }: Broken) =>
    walk.service.mode.startsWith('dsr') && step.leg === 'reply' && step.route?.answer?.type === 'error' && isForwarding(c, step);
  const refused = ({ step }: Broken) => {
    if (step.leg !== 'request' || step.in === undefined) return false;
    const verdict = sourceVerdict(c, step, { [linkSysctl('all', 'rp_filter')]: '2', [linkSysctl(step.in, 'rp_filter')]: '2' });
    return verdict?.valid === false && verdict.reason === 'loose';
  };
  const asking = brokenBy(c, 'no-route', 'not-forwarded').filter(({ step }) => step.leg === 'request');
  const elsewhere = misled(c).filter(({ at, step, walk }) => at === walk.service.host || step.leg === 'answer');
  const known = new Set(elsewhere.map(({ walk }) => walk));
  const here = [
    ...brokenBy(c, 'no-route').filter(({ step, walk }) => step.leg === 'answer' && step.host === walk.service.host),
    ...brokenBy(c, 'not-forwarded').filter(forwarding),
    ...brokenBy(c, 'source-invalid').filter(refused),
  ].filter(({ walk }) => !known.has(walk));
  return [
    ...asking.map((broken) => ({ ...broken, at: broken.step.host, to: broken.step.packet.destination })),
    ...elsewhere.map((broken) => ({ ...broken, to: broken.walk.client })),
    ...here.map((broken) => ({ ...broken, at: broken.step.host, to: broken.walk.client })),
  ].filter(({ walk }) => !walk.clientAssumed);
}

function isForwarding(c: Case, { host, in: link, packet }: Step): boolean {
  const sysctls = factOf(c.snapshots.get(host), 'sysctls');
  return sysctls !== undefined && forwards(sysctls, link ?? 'all', packet.family);
}

function whatItDoes(c: Case, host: string, broken: readonly Lost[]): string {
  const wrong = distinct(broken.flatMap(({ step }) => (step.host === host ? [] : step.host)));
  if (wrong.length > 0) return `sends to ${list(wrong)}, which does not pass it on, what is for`;
  return broken.every(({ step }) => isStopped(c, step)) ? 'does not forward what is for' : 'has no route to';
}

/** Nothing but forwarding being off keeps a packet on a router. */
function isStopped(c: Case, step: Step): boolean {
  return step.code === 'not-forwarded' && !isForwarding(c, step);
}

function failedPings(c: Case, host: string, targets: readonly string[]): Evidence[] {
  const failed = (factOf(c.snapshots.get(host), 'pings') ?? []).filter(
    ({ ok, to }) => !ok && targets.some((target) => sameAddress(target, to)),
  );
  return failed.map(({ to, text }) => ({ host, what: text, source: `ping ${to}` }));
}

/** The routes that refuse go; where that leads nowhere, the subnet that the end is in gets its route back. A router that forwards nothing begins to. */
function cures(c: Case, host: string, broken: readonly Lost[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const answers = broken.map(({ walk, step: { packet, leg }, to }) => ({
    family: packet.family,
    source: leg === 'request' ? packet.source : (walk.vip ?? packet.source),
    destination: to,
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
  const placed = [...near].map(([target, { family, link }]) => {
    const route: Route = {
      family,
      type: 'unicast',
      to: `${target}/${family === 4 ? 32 : 128}`,
      table: 'main',
      nextHops: [{ link }],
      metric: family === 6 ? 1024 : 0,
    };
    return putRoute(snapshot, route, `${target} is in a subnet of ${link}`);
  });
  const stopped = broken.filter(({ step }) => step.host === host && isStopped(c, step));
  const keys = distinct(stopped.map(({ step }) => (step.packet.family === 6 ? 'net/ipv6/conf/all/forwarding' : 'net/ipv4/ip_forward')));
  const forwarded =
    keys.length > 0
      ? [setSysctls(snapshot, Object.fromEntries(keys.map((key) => [key, 1])), 'clients and nginx reach each other over it')]
      : [];
  return [forwarded, dropped, placed].flatMap((parts) => (parts.length > 0 ? [combine(host, parts)] : []));
}

export default rule;
