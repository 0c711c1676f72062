import { withPort } from '../../src/net/address.js';
import { brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { listeningCures, nearbySockets } from '../../src/reasoning/silent-upstream.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'nothing listens where nginx sends its requests',
  why: 'The upstream host is reached, but no socket takes the address, port and protocol that nginx uses: the service is stopped, listens on another port, or only on loopback.',
  signs: {
    logs: 'TCP: 502 at once, `connect() failed (111: Connection refused) while connecting to upstream`; TcpOutRsts on the upstream grows. UDP: UdpNoPorts there grows, and nginx times out while proxying the connection, unless ICMP errors are marked, too. With `proxy_responses 0` nginx logs nothing.',
    packets:
      "TCP: a SYN, and an RST back to the client's address, which nginx takes in. UDP: an ICMP port unreachable to the client's address. A refusal that reaches nginx also proves that the way back works.",
  },
  proof:
    '`ss` on the upstream has no socket on that address, port and protocol, nor on a wildcard that takes that family. Not this: a firewall that rejects with a TCP reset. With several upstreams nginx hides it: after one failure it leaves the upstream out for 10 s.',
  cure: {
    how: [
      'On the upstream, look what listens; start the service, or let it listen on the address that nginx asks and not on 127.0.0.1:',
      '  ss -Htuln',
      'Where nginx has the wrong address or port, correct its `server` line and',
      '  nginx -s reload',
    ].join('\n'),
    touches: ['server', 'nginx'],
  },
  run: (c) =>
    [...groupBy(brokenBy(c, 'not-listening'), ({ step }) => step.host)].map(([host, broken]) => {
      const where = distinct(
        broken.map(({ walk }) => `${walk.upstream.address}:${walk.upstream.port}/${walk.service.protocol === 'udp' ? 'udp' : 'tcp'}`),
      );
      const nearby = distinct(nearbySockets(c, host, broken).map(({ localAddress, localPort }) => withPort(localAddress, localPort)));
      return concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `nothing on ${host} listens on ${list(where)} (${serviceList(broken)})`,
        because: nearby.map((endpoint) => `a socket is open on ${endpoint}, which does not take these requests`),
        cures: listeningCures(c, host, broken),
        verify: where.map(
          (endpoint) => `ss -H${endpoint.endsWith('udp') ? 'u' : 't'}ln   # must list ${endpoint.replace(/\/.*/, '')} or a wildcard`,
        ),
      });
    }),
};

export default rule;
