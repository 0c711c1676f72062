import { findListener, isOpen } from '../../src/path/listening.js';
import { distinct, list } from '../../src/reasoning/broken.js';
import { answeredHere, hitsFor, nameOf, opinionsOn, servedHere } from '../../src/reasoning/hits.js';
import type { Check, Packet, Socket, Walk } from '../../src/types.js';

const check: Check<'sockets'> = {
  title: 'a socket takes the requests',
  roles: ['upstream'],
  needs: ['sockets'],
  why: 'Nothing on the address, port and protocol that nginx is told answers with a reset or port unreachable: 502, "connect() failed (111: Connection refused)".',
  fix: "Start the service, let it listen on this host's address, or correct the server line of nginx.",
  run: ({ sockets }, scope) =>
    hitsFor(servedHere(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        if (!answeredHere(scope, walk)) return undefined;
        const protocol = service.protocol === 'udp' ? 'udp' : 'tcp';
        const where = `${protocol.toUpperCase()} ${nameOf(walk.upstream)}`;
        const source = `/proc/net/${protocol}`;
        const listener = findListener(sockets, protocol, requestOf(walk));
        if (listener && listener !== 'unknown') {
          const what = `${listener.localAddress} port ${listener.localPort}`;
          return { status: 'pass', message: `a socket takes ${where}`, evidence: [{ host: scope.host, what, source }] };
        }
        const evidence = [{ host: scope.host, what: portsOf(sockets, protocol, walk.upstream.port), source }];
        return { status: 'fail', message: `nothing listens on ${where}`, evidence };
      }),
    ),
};

function requestOf({ upstream, client, service }: Walk): Packet {
  return {
    family: upstream.family ?? 4,
    protocol: service.protocol === 'udp' ? 17 : 6,
    source: client,
    destination: upstream.address ?? '',
    destinationPort: upstream.port,
    mark: 0,
  };
}

/** The same port elsewhere says more than all other ports. */
function portsOf(sockets: readonly Socket[], protocol: 'tcp' | 'udp', port: number): string {
  const open = sockets.filter((socket) => socket.protocol === protocol && isOpen(socket));
  const same = distinct(open.filter(({ localPort }) => localPort === port).map(({ localAddress }) => localAddress));
  if (same.length > 0) return `port ${port} is open on ${list(same)} only`;
  const others = distinct(open.map(({ localPort }) => String(localPort)));
  return others.length > 0 ? `open ports: ${list(others, 8)}` : 'no open port';
}

export default check;
