import { configEvidence, hitsFor, type Opinion, ownServices } from '../../src/reasoning/hits.js';
import { idleTime, keepsSessions } from '../../src/reasoning/udp-sessions.js';
import type { Check, Service } from '../../src/types.js';

const check: Check<never> = {
  title: 'UDP sessions end soon',
  roles: ['proxy'],
  needs: [],
  why: 'Without proxy_responses nginx cannot know when a UDP exchange is over, and keeps a socket for each client port until proxy_timeout (10 minutes by default). Busy services run out of worker_connections.',
  fix: 'Set proxy_responses to the number of datagrams per answer, and a proxy_timeout of a few seconds.',
  run: (_, scope) =>
    hitsFor(
      ownServices(scope).filter((service) => service.protocol === 'udp'),
      (service) => [judge(service, scope.host)],
    ),
};

function judge(service: Service, host: string): Opinion {
  const { proxyResponses, proxyTimeout, at } = service;
  if (proxyResponses) {
    const evidence = [configEvidence(host, `proxy_responses ${proxyResponses.value}`, proxyResponses.at)];
    return { status: 'pass', message: `a session ends after ${proxyResponses.value} datagrams of answer`, evidence };
  }
  const timeout = idleTime(service);
  const evidence = [
    configEvidence(host, proxyTimeout ? `proxy_timeout ${timeout} ms` : 'proxy_timeout is not set', proxyTimeout?.at ?? at),
  ];
  if (keepsSessions(service))
    return { status: 'warn', message: `without proxy_responses each session stays for ${timeout / 1000} s`, evidence };
  return { status: 'pass', message: `a session ends ${timeout / 1000} s after its last datagram`, evidence };
}

export default check;
