import { configEvidence, hitsFor, type Opinion, ownServices } from '../../src/reasoning/hits.js';
import type { Bind, Check, Service } from '../../src/types.js';

const check: Check<never> = {
  title: 'the port of proxy_bind fits the protocol and the method',
  roles: ['proxy'],
  needs: [],
  why: 'A DSR reply goes to the port that nginx sent from, so that must be the client\'s own ($remote_port). Over TCP nginx needs no port: one that is given can be held or in TIME-WAIT, and bind() then fails with "98: Address already in use".',
  fix: 'DSR: proxy_bind $remote_addr:$remote_port transparent. Everything else: proxy_bind $remote_addr transparent.',
  run: (_, scope) =>
    hitsFor(ownServices(scope), (service) => {
      if (!service.bind) return [];
      const evidence = [configEvidence(scope.host, `proxy_bind ${service.bind.text}`, service.bind.at)];
      return [{ ...judge(service, service.bind), evidence }];
    }),
};

function judge(service: Service, { port, text, fixedPort }: Bind): Opinion {
  if (port === 'unknown') return { status: 'unknown', message: `the port that ${text} yields is decided per request: a trace shows it` };
  if (service.mode.startsWith('dsr')) return judgeDsr(port, fixedPort);
  if (service.mode === 'one-way' || port === 'none')
    return { status: 'pass', message: 'nothing depends on the port that nginx sends from' };
  if (port === 'fixed')
    return { status: 'warn', message: `all of a client's connections need port ${fixedPort}: a second one to the same upstream fails` };
  if (service.protocol === 'udp') return { status: 'pass', message: "the client's port is kept" };
  return { status: 'warn', message: 'over TCP $remote_port makes bind() fail while the port is held or in TIME-WAIT' };
}

function judgeDsr(port: Bind['port'], fixedPort: number | undefined): Opinion {
  if (port === 'client') return { status: 'pass', message: "replies go to the client's own port" };
  if (port === 'fixed') return { status: 'fail', message: `replies go to port ${fixedPort} of the client, which it never used` };
  return { status: 'fail', message: "without $remote_port replies go to a port that nginx chose, not to the client's" };
}

export default check;
