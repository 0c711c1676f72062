import { list } from '../../src/reasoning/broken.js';
import { configEvidence } from '../../src/reasoning/hits.js';
import { setDirectives } from '../../src/reasoning/rewrite-directive.js';
import { concludeRisk, soundServices } from '../../src/reasoning/risk.js';
import type { Rule, Service } from '../../src/types.js';

const rule: Rule = {
  title: 'only the first datagram of a UDP session bears the PROXY protocol header',
  why: 'nginx writes the header once per session. Further datagrams from the same port of a client belong to the same session and go out without it, and a server that expects the header in each of them drops or misreads them. With proxy_requests 1 each datagram is a session of its own.',
  signs: {
    logs: 'The upstream complains of a missing or malformed PROXY header for some datagrams of a client; nginx logs nothing.',
    packets: 'On nginx\'s inner link the first datagram of a client\'s port begins with "PROXY UDP4", those right after it do not.',
  },
  proof:
    'proxy_protocol on in a UDP service without proxy_requests 1. With proxy_responses 0 a session ends with its first datagram, so there every datagram has the header.',
  cure: { how: ['Add `proxy_requests 1;` beside `proxy_protocol on;`, then', '  nginx -s reload'].join('\n'), touches: ['nginx'] },
  run: (c) =>
    soundServices(c, losesHeaders).map(([host, services]) =>
      concludeRisk(c, services, {
        host,
        summary: `only the first datagram of a session bears the PROXY protocol header (${list(services.map(({ id }) => id))})`,
        steps: [
          'nginx writes the header at the start of a session',
          "the client's next datagrams join that session and are sent without it",
        ],
        evidence: services.flatMap(({ sendsProxyProtocol, proxyRequests }) =>
          sendsProxyProtocol
            ? configEvidence(
                host,
                `proxy_protocol on, ${proxyRequests ? `proxy_requests ${proxyRequests.value}` : 'no proxy_requests'}`,
                sendsProxyProtocol,
              )
            : [],
        ),
        explains: [],
        cures: setDirectives(c, services, [
          {
            name: 'proxy_requests',
            at: (service) => service.proxyRequests?.at,
            text: 'proxy_requests 1;',
            why: 'each datagram is then a session of its own, with a header of its own',
          },
        ]),
        verify: services
          .slice(0, 3)
          .map(({ upstreams }) => `tcpdump -nAi any udp dst port ${upstreams[0]?.port}   # every datagram begins with PROXY`),
      }),
    ),
};

function losesHeaders({ protocol, mode, sendsProxyProtocol, proxyRequests, proxyResponses }: Service): boolean {
  return (
    protocol === 'udp' && mode !== 'plain' && sendsProxyProtocol !== undefined && proxyRequests?.value !== 1 && proxyResponses?.value !== 0
  );
}

export default rule;
