import { dsrServices } from '../../src/reasoning/dsr-way.js';
import { evidenceOf, hitsFor, opinionsByClient, stepsHere, sysctlEvidence } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<'sysctls'> = {
  title: 'replies on their way to the client are forwarded',
  roles: ['proxy', 'router'],
  needs: ['sysctls'],
  why: "With router NAT the replies pass this host. With forwarding off they are dropped (IpInAddrErrors); a mark or a rule for another service can lead them into nginx's own sockets (UdpNoPorts).",
  fix: 'sysctl net.ipv4.ip_forward=1 (net.ipv6.conf.all.forwarding=1); narrow mark rules to the ports of their own service.',
  run: ({ sysctls }, scope) =>
    hitsFor(dsrServices(scope), (service) =>
      opinionsByClient(scope, service, (walk) => {
        const step = stepsHere(scope, walk, 'reply').find(({ place }) => place === 'route' || place === 'source-validation');
        if (!step || walk.steps.find(({ leg }) => leg === 'reply')?.host === scope.host) return undefined;
        const key = step.packet.family === 6 ? 'net/ipv6/conf/all/forwarding' : 'net/ipv4/ip_forward';
        const evidence = [...evidenceOf(step), ...sysctlEvidence(scope.host, sysctls, [key])];
        if (step.outcome === 'unknown') return { status: 'unknown', message: step.did, evidence };
        return { status: step.code === 'forwarded' ? 'pass' : 'fail', message: step.did, evidence };
      }),
    ),
};

export default check;
