import { sameAddress } from '../../src/net/address.js';
import { factOf } from '../../src/path/world.js';
import { list } from '../../src/reasoning/broken.js';
import { configEvidence } from '../../src/reasoning/hits.js';
import { linesSinceStart } from '../../src/reasoning/log-since-start.js';
import { setDirectives } from '../../src/reasoning/rewrite-directive.js';
import { concludeRisk, soundServices } from '../../src/reasoning/risk.js';
import { isQuestionAndAnswer } from '../../src/reasoning/udp-habits.js';
import { idleTime, keepsSessions } from '../../src/reasoning/udp-sessions.js';
import type { Case, Cure, Evidence, Rule, Service } from '../../src/types.js';

const rule: Rule = {
  title: 'UDP sessions stay for minutes after their exchange is over',
  why: 'UDP has no end of a connection. Without proxy_responses nginx keeps a session, with two of its worker_connections and a spoofed socket, until proxy_timeout has passed without a datagram: ten minutes unless it is set. A client that asks from a new port each time leaves a session behind each time.',
  signs: {
    logs: '"512 worker_connections are not enough" once they are used up; new clients, also those of other services of the same worker, then get no answer. The access log writes a session only when it ends, so entries come minutes late.',
    packets:
      "Nothing on the wire. ss -uan on nginx's host lists one socket under a client's address for each question of the last minutes.",
  },
  proof:
    'A UDP service without proxy_responses whose proxy_timeout is longer than a minute: a risk, and a fault once the log has that line and its sessions hold half of the connections. Services whose sessions are meant to last (QUIC, IPsec, OpenVPN, WireGuard, TURN, SIP, RTP) are not counted.',
  cure: {
    how: [
      'Say how many datagrams an answer has, where that is known, and how long silence may last, for DNS `proxy_responses 1; proxy_timeout 5s;`. A shorter timeout alone is safe for every protocol of short exchanges. Then',
      '  nginx -s reload',
      '  ss -Huan | wc -l',
    ].join('\n'),
    touches: ['nginx'],
  },
  run: (c) =>
    soundServices(c, (service) => service.mode !== 'plain' && keepsSessions(service)).map(([host, services]) => {
      const usedUp = services.flatMap((service) => exhaustion(c, service));
      const risk = concludeRisk(c, services, {
        host,
        summary: `nginx on ${host} keeps UDP sessions for ${list(services.map((service) => `${idleTime(service) / 1000} s (${service.id})`))} after their last datagram`,
        steps: [
          'without proxy_responses nothing tells nginx that an exchange is over',
          `each question from a new port leaves a session behind, until worker_connections are used up${usedUp.length > 0 ? ', as they were' : ''}`,
        ],
        evidence: [
          ...usedUp,
          ...services.map(({ proxyTimeout, at }) =>
            configEvidence(
              host,
              `no proxy_responses, ${proxyTimeout ? `proxy_timeout ${proxyTimeout.value / 1000}s` : 'no proxy_timeout'}`,
              proxyTimeout?.at ?? at,
            ),
          ),
        ],
        explains: usedUp.length > 0 ? ['all services of these workers: new connections get no answer'] : [],
        cures: endSessions(c, services),
        verify: ['ss -uan | wc -l   # must fall back within seconds after the last question'],
      });
      return usedUp.length > 0 ? { ...risk, severity: 'fault' as const, certainty: 'proven' as const } : risk;
    }),
};

/** The log says that connections ran out, and sessions of this service, two connections each, hold at least half of them now. */
function exhaustion(c: Case, { host, master, upstreams }: Service): Evidence[] {
  const snapshot = c.snapshots.get(host);
  const [nginx, nginxErrors] = [factOf(snapshot, 'nginx'), factOf(snapshot, 'nginxErrors')];
  const line =
    nginx && nginxErrors && linesSinceStart({ nginx, nginxErrors }, ['worker-connections']).findLast((each) => each.master === master);
  const most = Number(/(\d{1,9}) worker_connections are not enough/.exec(line?.text ?? '')?.[1] ?? 0);
  const open = (factOf(snapshot, 'sockets') ?? []).filter(
    ({ protocol, peerAddress, peerPort }) =>
      protocol === 'udp' && upstreams.some(({ address, port }) => port === peerPort && sameAddress(address, peerAddress)),
  ).length;
  if (!line || most === 0 || open * 4 < most) return [];
  return [
    { host, what: line.text, source: line.source.file },
    { host, what: `${open} UDP sockets towards the upstreams of this service`, source: '/proc/net/udp' },
  ];
}

/** How many datagrams an answer has is known for few protocols; a short timeout suits the others as well. */
function endSessions(c: Case, services: readonly Service[]): Cure[] {
  const counted = services.every(isQuestionAndAnswer);
  const timeout = {
    name: 'proxy_timeout',
    at: (service: Service) => service.proxyTimeout?.at,
    text: counted ? 'proxy_timeout 5s;' : 'proxy_timeout 10s;',
    why: 'a session then ends soon after its last datagram',
  };
  const responses = {
    name: 'proxy_responses',
    at: (service: Service) => service.proxyResponses?.at,
    text: 'proxy_responses 1;',
    why: 'one datagram answers a question, and ends the session',
  };
  return setDirectives(c, services, counted ? [responses, timeout] : [timeout]);
}

export default rule;
