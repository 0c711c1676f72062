import { findMaster } from '../../src/cures/nginx.js';
import { setSysctls } from '../../src/cures/sysctl.js';
import { withPort } from '../../src/net/address.js';
import { mayBindLowPorts } from '../../src/path/legs/nginx.js';
import { sysctl } from '../../src/path/sysctls.js';
import { factOf, owns } from '../../src/path/world.js';
import { list } from '../../src/reasoning/broken.js';
import { configEvidence } from '../../src/reasoning/hits.js';
import { linesSinceStart } from '../../src/reasoning/log-since-start.js';
import { concerns } from '../../src/reasoning/logged-upstream.js';
import { concludeRisk, soundServices } from '../../src/reasoning/risk.js';
import type { Case, ErrorLogLine, Evidence, Rule, Service } from '../../src/types.js';

/** EACCES in the kernel's numbering. */
const permissionDenied = 13;
const firstUnprivileged = 'net/ipv4/ip_unprivileged_port_start';

const rule: Rule = {
  title: 'clients with ports below 1024 are refused: the worker may not bind to them',
  why: 'With `$remote_port` nginx binds to the port that the client came from. Ports below net.ipv4.ip_unprivileged_port_start (1024) need CAP_NET_BIND_SERVICE, also for a foreign address. A root master leaves its unprivileged workers CAP_NET_RAW and nothing else, so these clients, and only these, get nothing. Name servers that ask from port 53, NTP peers (123) and old RPC clients do so, and address translation keeps low ports low.',
  signs: {
    logs: '"bind(192.168.99.50:53) failed (13: Permission denied) while connecting to upstream" for each such request; status 500.',
    packets: "The request from a port below 1024 arrives on nginx's outer link, and nothing leaves on the inner one.",
  },
  proof:
    "The log's errno 13 in bind(A:P), or a client's socket with a low port at the service. Without either it is a risk: no such client may ever come.",
  cure: {
    how: [
      "On nginx's host open the low ports to every user of that host:",
      '  sysctl -w net.ipv4.ip_unprivileged_port_start=0',
      '`user root;` gives the workers alone that right, and every other one.',
    ].join('\n'),
    touches: ['sysctl'],
  },
  run: (c) =>
    soundServices(c, (service) => refusesLowPorts(c, service)).flatMap(([host, services]) => {
      const met = services.filter((service) => evidenceOf(c, service).length > 0);
      const exposed = services.filter((service) => service.protocol === 'udp');
      return [
        ...(met.length > 0 ? [conclude(c, host, met, 'fault')] : []),
        // Over TCP the port is better dropped, which nginx/tcp-client-port-bind says.
        ...(met.length === 0 && exposed.length > 0 ? [conclude(c, host, exposed, 'risk')] : []),
      ];
    }),
};

function conclude(c: Case, host: string, services: readonly Service[], severity: 'fault' | 'risk') {
  const snapshot = c.snapshots.get(host);
  const worker = findMaster(snapshot, services[0]?.master ?? 0)?.workers[0];
  const first = sysctl(factOf(snapshot, 'sysctls') ?? {}, firstUnprivileged);
  const seen = services.flatMap((service) => evidenceOf(c, service));
  const ids = services.map(({ id }) => id);
  const reason = {
    host,
    summary: `workers on ${host} may not bind to ports below ${first}, so clients that ask from one get nothing (${list(ids)})`,
    steps: [
      "proxy_bind takes the client's own port",
      `a port below ${first} needs CAP_NET_BIND_SERVICE, which the workers do not have`,
      severity === 'fault' ? 'such a client was met' : 'no such client was met until now',
    ],
    evidence: [
      ...seen.slice(0, 4),
      ...services.flatMap(({ bind }) => (bind ? configEvidence(host, `proxy_bind ${bind.text}`, bind.at) : [])),
      { host, what: `net.ipv4.ip_unprivileged_port_start = ${first}`, source: `/proc/sys/${firstUnprivileged}` },
      ...(worker
        ? [{ host, what: `CapEff: ${worker.effectiveCapabilities}, uid ${worker.uid}`, source: `/proc/${worker.pid}/status` }]
        : []),
    ],
    explains: severity === 'fault' ? ids.map((id) => `${id}: requests from ports below ${first} fail`) : [],
    cures: snapshot ? [setSysctls(snapshot, { [firstUnprivileged]: 0 }, 'any port may then be bound without a capability')] : [],
    verify: ['tail nginx\'s error log: no new "bind(…) failed (13"'],
  };
  return severity === 'risk'
    ? concludeRisk(c, services, reason)
    : { ...concludeRisk(c, services, reason), severity, certainty: 'proven' as const };
}

function refusesLowPorts(c: Case, { host, master, mode, bind }: Service): boolean {
  const snapshot = c.snapshots.get(host);
  const sysctls = factOf(snapshot, 'sysctls');
  const workers = findMaster(snapshot, master)?.workers ?? [];
  if (mode === 'plain' || bind?.port !== 'client' || !sysctls || sysctl(sysctls, firstUnprivileged) <= 1) return false;
  return workers.some(({ effectiveCapabilities }) => !mayBindLowPorts(effectiveCapabilities));
}

/** What shows that such a client was there. */
function evidenceOf(c: Case, service: Service): Evidence[] {
  const { host } = service;
  const lines = failedBinds(c, service);
  const newest = lines.at(-1);
  const logged = newest
    ? [{ host, what: `${lines.length}× since the workers started, last: ${newest.text}`, source: newest.source.file }]
    : [];
  return [...logged, ...lowPorts(c, service)];
}

function failedBinds(c: Case, service: Service): ErrorLogLine[] {
  const snapshot = c.snapshots.get(service.host);
  const [nginx, nginxErrors] = [factOf(snapshot, 'nginx'), factOf(snapshot, 'nginxErrors')];
  if (!nginx || !nginxErrors) return [];
  return linesSinceStart({ nginx, nginxErrors }, ['bind']).filter(
    (line) =>
      line.errno === permissionDenied &&
      line.upstream !== undefined &&
      service.upstreams.some((upstream) => concerns(line, { service, upstream })),
  );
}

/** Sockets at the service with a low port on the client's side, as nginx's host or the client's own has them. */
function lowPorts(c: Case, { host, protocol, listeners }: Service): Evidence[] {
  const proxy = c.snapshots.get(host);
  const first = sysctl(factOf(proxy, 'sysctls') ?? {}, firstUnprivileged);
  const kind = protocol === 'udp' ? 'udp' : 'tcp';
  const asks = (port: number | undefined) => listeners.some((listener) => listener.port === port);
  return [...c.snapshots.values()].flatMap((snapshot) =>
    (factOf(snapshot, 'sockets') ?? []).flatMap((socket) => {
      if (socket.protocol !== kind || socket.peerAddress === undefined || socket.peerPort === undefined) return [];
      const here = snapshot.host === host && asks(socket.localPort) && socket.peerPort > 0 && socket.peerPort < first;
      const there = snapshot.host !== host && asks(socket.peerPort) && owns(proxy, socket.peerAddress) && socket.localPort < first;
      if (!here && !there) return [];
      const client = here ? withPort(socket.peerAddress, socket.peerPort) : withPort(socket.localAddress, socket.localPort);
      return { host: snapshot.host, what: `a client asks from ${client}`, source: `/proc/net/${kind}` };
    }),
  );
}

export default rule;
