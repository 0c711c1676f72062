import { setSysctls } from '../../src/cures/sysctl.js';
import { withPort } from '../../src/net/address.js';
import { factOf } from '../../src/path/world.js';
import { groupBy, list, narrate } from '../../src/reasoning/broken.js';
import { linesSinceStart } from '../../src/reasoning/log-since-start.js';
import { concerns } from '../../src/reasoning/logged-upstream.js';
import type { Case, Conclusion, ErrorLogLine, Rule, Service, Snapshot } from '../../src/types.js';

/** EADDRNOTAVAIL in the kernel's numbering. */
const noAddress = 99;
const rangeKey = 'net/ipv4/ip_local_port_range';
/** What the kernel takes when it is told nothing else. */
const usualRange: Range = [32768, 60999];
type Range = readonly [number, number];

const rule: Rule = {
  title: 'a client and an upstream have used up all ports between them',
  why: "nginx connects under the client's address, so the ports between one client and one upstream are those of ip_local_port_range and no more: 28,232 by default, less what TIME-WAIT holds for a minute. One busy client, a proxy or a load test, reaches that, while all others are served.",
  signs: {
    logs: '`connect() to 172.16.0.11:80 failed (99: Cannot assign requested address) while connecting to upstream`, and 500 or 502, for one or few clients. (`bind(192.168.99.50) failed (99: …)` is another matter: `transparent` is missing.)',
    packets: 'No SYN leaves for the requests that fail. Those of other clients go on.',
  },
  proof:
    'Errno 99 from connect() since the workers started, and `ss` shows about as many sockets between that client and that upstream as the range has ports. Not this: errno 99 from bind().',
  cure: {
    how: [
      "On nginx's host more ports; beyond that more upstream addresses, or fewer connections (keepalive is none: it mixes clients):",
      "  sysctl -w net.ipv4.ip_local_port_range='1024 65535'",
      '  ss -Htan src 192.168.99.50 dst 172.16.0.11 | wc -l',
    ].join('\n'),
    touches: ['sysctl'],
  },
  run: (c) => {
    const concerned = c.services.flatMap((service) => {
      const snapshot = c.snapshots.get(service.host);
      const fullest = fullestPair(snapshot, service);
      const lines = isWide(snapshot) && !isNearlyFull(snapshot, fullest) ? [] : failedConnects(snapshot, service);
      const severity = lines.length > 0 ? ('fault' as const) : ('risk' as const);
      return service.mode === 'transparent' && (lines.length > 0 || isNearlyFull(snapshot, fullest))
        ? [{ service, lines, fullest, severity }]
        : [];
    });
    return [...groupBy(concerned, ({ service, severity }) => `${service.host} ${severity}`).values()].flatMap((group) =>
      conclude(c, group),
    );
  },
};

interface Concerned {
  service: Service;
  lines: readonly ErrorLogLine[];
  fullest: Pair | undefined;
  severity: 'fault' | 'risk';
}

interface Pair {
  client: string;
  upstream: string;
  sockets: number;
}

function conclude(c: Case, group: readonly Concerned[]): Conclusion[] {
  const [first] = group;
  const snapshot = first && c.snapshots.get(first.service.host);
  if (!first || !snapshot) return [];
  const { host } = first.service;
  const services = group.map(({ service }) => service);
  const walks = c.walks.filter((walk) => services.includes(walk.service));
  const newest = group.flatMap(({ lines }) => lines).at(-1);
  const pairs = group.flatMap(({ fullest }) => fullest ?? []).sort((a, b) => b.sockets - a.sockets);
  const [low, high] = rangeOf(snapshot);
  const source = '/proc/sys/net/ipv4/ip_local_port_range';
  return [
    {
      host,
      severity: first.severity,
      certainty: first.severity === 'fault' ? 'proven' : 'consistent',
      summary: `${host} ${first.severity === 'fault' ? 'has run' : 'is about to run'} out of ports between a client and an upstream (${list(services.map(({ id }) => id))})`,
      steps: [
        ...(walks[0] ? narrate(walks[0]).slice(0, 2) : []),
        `under one client's address there are ${high - low + 1} ports to one upstream, and connect() finds none free`,
      ],
      evidence: [
        { host, what: `${low} ${high}`, source },
        ...pairs.slice(0, 1).map(({ client, upstream, sockets }) => ({
          host,
          what: `${sockets} sockets from ${client} to ${upstream}`,
          source: '/proc/net/tcp',
        })),
        ...(newest ? [{ host, what: newest.text, source: newest.source.file }] : []),
      ],
      explains:
        first.severity === 'fault' ? services.map(({ id }) => `${id}: some requests of a busy client end with status 500 or 502`) : [],
      walks,
      cures:
        low > 1024 || high < 65535
          ? [setSysctls(snapshot, { [rangeKey]: '1024 65535' }, 'more ports between each client and each upstream')]
          : [],
      verify: ['tail nginx\'s error log: no new "connect() … failed (99"'],
    },
  ];
}

function rangeOf(snapshot: Snapshot | undefined): Range {
  const [, low, high] = /^(\d{1,5}) (\d{1,5})$/.exec(factOf(snapshot, 'sysctls')?.[rangeKey] ?? '') ?? [];
  return low === undefined || high === undefined ? usualRange : [Number(low), Number(high)];
}

/** There are no more ports to be had: failures that were logged are from before, unless the ports are used up now. */
function isWide(snapshot: Snapshot | undefined): boolean {
  const [low, high] = rangeOf(snapshot);
  return high - low >= 60_000;
}

function failedConnects(snapshot: Snapshot | undefined, service: Service): ErrorLogLine[] {
  const [nginx, nginxErrors] = [factOf(snapshot, 'nginx'), factOf(snapshot, 'nginxErrors')];
  if (!nginx || !nginxErrors || service.bind?.port !== 'none') return [];
  return linesSinceStart({ nginx, nginxErrors }, ['connect-cannot-assign']).filter(
    (line) => line.errno === noAddress && service.upstreams.some((upstream) => concerns(line, { service, upstream })),
  );
}

/** The client and upstream of a service that share most sockets. */
function fullestPair(snapshot: Snapshot | undefined, service: Service): Pair | undefined {
  const protocol = service.protocol === 'udp' ? 'udp' : 'tcp';
  const upstreams = new Set(service.upstreams.map(({ address, port }) => withPort(address ?? '', port)));
  const sockets = (factOf(snapshot, 'sockets') ?? []).filter(
    (socket) => socket.protocol === protocol && upstreams.has(withPort(socket.peerAddress ?? '', socket.peerPort ?? 0)),
  );
  const pairs = [...groupBy(sockets, ({ localAddress, peerAddress, peerPort }) => `${localAddress} ${peerAddress} ${peerPort}`).values()];
  const [fullest] = pairs.sort((a, b) => b.length - a.length);
  const [one] = fullest ?? [];
  return one && fullest
    ? { client: one.localAddress, upstream: withPort(one.peerAddress ?? '', one.peerPort ?? 0), sockets: fullest.length }
    : undefined;
}

function isNearlyFull(snapshot: Snapshot | undefined, pair: Pair | undefined): boolean {
  const [low, high] = rangeOf(snapshot);
  return pair !== undefined && pair.sockets >= 0.8 * (high - low + 1);
}

export default rule;
