import { combine } from '../../src/cures/combine.js';
import { directiveText, editConfig, findMaster } from '../../src/cures/nginx.js';
import { groupBy, list } from '../../src/reasoning/broken.js';
import { configEvidence } from '../../src/reasoning/hits.js';
import { concludeRisk, soundServices } from '../../src/reasoning/risk.js';
import { isQuestionAndAnswer } from '../../src/reasoning/udp-habits.js';
import type { Case, Cure, Listener, NginxMaster, Rule, Service } from '../../src/types.js';

const rule: Rule = {
  title: 'several workers share one UDP socket, so datagrams of one session end up in several of them',
  why: "Each worker knows only its own sessions. Without reuseport all of them read from the same socket, and whichever is quicker takes the next datagram: it finds no session, opens another one, from another port and perhaps to another upstream. With reuseport each worker has a socket of its own, and the kernel sends all datagrams of a client's port to the same one.",
  signs: {
    logs: 'None, or several access-log entries where one client held one session. The upstreams see one client with several ports at once.',
    packets: "On nginx's inner link consecutive datagrams of one client port leave from different ports, or to different upstreams.",
  },
  proof:
    'More than one running worker, a UDP listener without reuseport, and sessions that take several datagrams: proxy_requests above 1, or neither proxy_requests nor proxy_responses. With proxy_responses alone a session ends with its answer, and protocols of single questions such as DNS or NTP have none that lasts.',
  cure: { how: ['Add the word to the listener: `listen 5300 udp reuseport;`, then', '  nginx -s reload'].join('\n'), touches: ['nginx'] },
  run: (c) =>
    soundServices(c, (service) => mixesSessions(service, masterOf(c, service))).map(([host, services]) => {
      const listeners = services.flatMap((service) => shared(service).map((listener) => ({ service, listener })));
      return concludeRisk(c, services, {
        host,
        summary: `${workersOf(c, services)} workers on ${host} share one UDP socket: datagrams of one session end up in several of them (${list(services.map(({ id }) => id))})`,
        steps: [
          'each worker knows only its own sessions',
          'without reuseport the next datagram of a session goes to whichever worker is quicker',
        ],
        evidence: [...groupBy(listeners, ({ listener: { at } }) => `${at.file}:${at.line}`).values()].flatMap(([first]) =>
          first ? configEvidence(host, `listen ${first.listener.port} udp without reuseport`, first.listener.at) : [],
        ),
        explains: [],
        cures: reusingPorts(c, host, listeners),
        verify: ['ss -ulnp | grep nginx   # one socket for each worker and port'],
      });
    }),
};

function masterOf(c: Case, service: Service): NginxMaster | undefined {
  return findMaster(c.snapshots.get(service.host), service.master);
}

function workersOf(c: Case, services: readonly Service[]): number {
  return Math.max(...services.map((service) => masterOf(c, service)?.workers.length ?? 0));
}

/** Counted answers end a session as soon as they are there, unless proxy_requests keeps it for more questions (ngx_stream_proxy_test_finalize). */
function mixesSessions(service: Service, master: NginxMaster | undefined): boolean {
  const { protocol, mode, proxyRequests, proxyResponses } = service;
  if (protocol !== 'udp' || mode === 'plain' || (master?.workers.length ?? 0) < 2 || shared(service).length === 0) return false;
  if (proxyResponses?.value === 0 || proxyRequests?.value === 1) return false;
  return (proxyRequests?.value ?? 0) > 1 || (proxyResponses === undefined && !isQuestionAndAnswer(service));
}

function shared({ listeners }: Service): Listener[] {
  return listeners.filter(({ reuseport, protocol }) => protocol === 'udp' && !reuseport);
}

/** Once for each address and port: nginx refuses socket options that are given twice. */
function reusingPorts(c: Case, host: string, listeners: readonly { service: Service; listener: Listener }[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const sockets = groupBy(
    listeners,
    ({ service, listener: { address, port, family } }) => `${service.master} ${family} ${address} ${port}`,
  );
  const lines = groupBy(
    [...sockets.values()].flatMap(([first]) => first ?? []),
    ({ listener: { at } }) => `${at.file}:${at.line}:${at.column}`,
  );
  const edits = [...lines.values()]
    .flatMap(([first]) => first ?? [])
    .sort((a, b) => b.listener.at.line - a.listener.at.line || b.listener.at.column - a.listener.at.column)
    .flatMap(({ service: { master: pid }, listener: { at } }) => {
      const text = directiveText(snapshot, pid, { name: 'listen', at });
      const why = "each worker then has a socket of its own, and a client's datagrams stay with one of them";
      return text === undefined
        ? []
        : (editConfig(snapshot, pid, { at, remove: text, insert: text.replace(/\s*;$/, ' reuseport;'), why }) ?? []);
    });
  return edits.length > 0 ? [combine(host, edits)] : [];
}

export default rule;
