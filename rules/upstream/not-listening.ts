import { withPort } from '../../src/net/address.js';
import { brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { listeningCures, nearbySockets } from '../../src/reasoning/silent-upstream.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'nothing listens where nginx sends its requests',
  why: 'The upstream host is reached, but no socket takes the address, port and protocol that nginx uses: the service is stopped, listens on another port, or only on loopback.',
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
