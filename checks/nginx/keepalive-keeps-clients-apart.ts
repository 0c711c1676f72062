import { configEvidence, hitsFor, masterOf, type Opinion, ownServices } from '../../src/reasoning/hits.js';
import { keepsConnections } from '../../src/reasoning/keepalive.js';
import type { Check, NginxMaster, Service } from '../../src/types.js';

const check: Check<'nginx'> = {
  title: 'each upstream connection serves one client',
  roles: ['proxy'],
  needs: ['nginx'],
  why: "nginx's cache of idle upstream connections ignores the address they are bound to: a request can travel under another client's address, with status 200.",
  fix: 'Remove "keepalive" from the upstream block; from nginx 1.29.7 on write "keepalive 0".',
  run: ({ nginx }, scope) =>
    hitsFor(
      ownServices(scope).filter((service) => service.protocol === 'http'),
      (service) => [{ ...judge(service, masterOf(service, nginx.masters)), evidence: evidence(service, scope.host) }],
    ),
};

function judge(service: Service, master: NginxMaster | undefined): Opinion {
  if (!service.upstreamGroup) return { status: 'pass', message: 'without an upstream block no connection is kept' };
  if (keepsConnections(service, master)) return { status: 'fail', message: "idle connections are kept and carry other clients' requests" };
  if (master && master.version === undefined && keepsConnections(service, { ...master, version: '1.29.7' }))
    return { status: 'unknown', message: 'nginx 1.29.7 and newer keep connections by default: the version of this one could not be read' };
  return { status: 'pass', message: 'a connection is closed after its request' };
}

function evidence({ upstreamGroup, at }: Service, host: string) {
  if (!upstreamGroup) return [configEvidence(host, 'proxy_pass to a literal address', at)];
  const { keepalive } = upstreamGroup;
  return [
    keepalive
      ? configEvidence(host, `keepalive ${keepalive.value}`, keepalive.at)
      : configEvidence(host, `upstream ${upstreamGroup.name} has no keepalive`, upstreamGroup.at),
  ];
}

export default check;
