import { list } from '../../src/reasoning/broken.js';
import { configEvidence } from '../../src/reasoning/hits.js';
import { concludeRisk, soundServices } from '../../src/reasoning/risk.js';
import type { Case, Rule, Service } from '../../src/types.js';

const rule: Rule = {
  title: 'nothing notices a dead server of a Direct Server Return service',
  why: 'With Direct Server Return nginx never sees an answer, so its passive checks (max_fails, fail_timeout) have nothing to count. A server that dies goes on getting its share of the requests until somebody takes it out by hand: with four servers every fourth request is lost.',
  signs: {
    logs: 'None: nginx logs status 200 for datagrams that nobody answered. Clients repeat a part of their questions.',
    packets:
      "On nginx's inner link requests to the dead server go out as before; an ICMP port unreachable may come back, after nginx has closed its socket.",
  },
  proof:
    'A service with proxy_responses 0 and more than one server, and neither a health_check for its upstream group nor a check of a third-party module. A program outside nginx that edits the configuration or moves an address is not seen from here.',
  cure: {
    how: [
      'NGINX Plus: give the upstream block a `zone`, and add `health_check` to a server block that uses the same group without the transparent `proxy_bind`, so that the answers to the checks come back to nginx.',
      'Elsewhere a program asks each server directly, marks the dead one `down` in the upstream block and reloads nginx:',
      '  dig +time=1 +tries=1 @172.16.0.11 www.example.com',
      '  nginx -s reload',
    ].join('\n'),
    touches: ['nginx'],
  },
  run: (c) =>
    soundServices(c, (service) => isBlind(c, service)).map(([host, services]) =>
      concludeRisk(c, services, {
        host,
        summary: `a server that dies goes on getting requests, for nothing on ${host} checks the servers of ${list(services.map(({ id }) => id))}`,
        steps: [
          'the answers go straight to the clients: nginx cannot count failures',
          'no health_check tells it otherwise, so a dead server keeps its share of the requests',
        ],
        evidence: services.map(({ id, proxyResponses, upstreamGroup, at }) =>
          configEvidence(host, `${id}: proxy_responses 0, no health_check`, upstreamGroup?.at ?? proxyResponses?.at ?? at),
        ),
        explains: [],
        cures: [],
        verify: services.slice(0, 3).map(({ upstreams, listeners }) => checkByHand(upstreams[0]?.address, listeners[0]?.port)),
        settle: 'a check from outside nginx, if there is one, is not visible here',
      }),
    ),
};

function isBlind(c: Case, service: Service): boolean {
  const inUse = service.upstreams.filter(({ down }) => !down);
  return service.mode.startsWith('dsr') && inUse.length > 1 && !c.services.some((other) => checksFor(other, service));
}

/** What one server block learns about a group holds for every other that uses it (they share its zone). */
function checksFor(other: Service, service: Service): boolean {
  const group = service.upstreamGroup;
  if (other === service) return service.healthCheck !== undefined || group?.healthCheck !== undefined;
  return (
    other.healthCheck !== undefined &&
    other.master === service.master &&
    other.host === service.host &&
    other.protocol !== 'http' &&
    group !== undefined &&
    other.upstreamGroup?.name === group.name
  );
}

function checkByHand(address = '172.16.0.11', port = 53): string {
  return port === 53
    ? `dig +time=1 +tries=1 @${address}   # from nginx's host, each server`
    : `ask ${address} port ${port} from nginx's host, each server`;
}

export default rule;
