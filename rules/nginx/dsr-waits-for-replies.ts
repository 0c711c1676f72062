import { factOf } from '../../src/path/world.js';
import { type Broken, brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { linesSinceStart } from '../../src/reasoning/log-since-start.js';
import { concerns } from '../../src/reasoning/logged-upstream.js';
import { servicesOf, setDirectives } from '../../src/reasoning/rewrite-directive.js';
import type { Case, ErrorLogLine, Rule, Service } from '../../src/types.js';

const rule: Rule = {
  title: 'nginx waits for replies that go straight to the client',
  why: 'The replies are rewritten for Direct Server Return and reach the client without nginx. With proxy_responses 1 it takes each request for a failure when proxy_timeout is over, and after max_fails of them leaves the server out: soon "no live upstreams", and requests are lost although every server answers. Without proxy_responses it keeps each session until proxy_timeout, ten minutes by default, and runs out of worker_connections.',
  signs: {
    logs: '"upstream timed out (110: Connection timed out) while proxying connection", then "no live upstreams", for servers that answer; or "worker_connections are not enough". Clients get answers at first, then none for fail_timeout (10 s), then some again.',
    packets:
      "On nginx's outer link answers from 192.168.99.10 to the client's own port, while nginx's access log counts 0 bytes from the upstream. When servers are left out: requests come in, nothing goes out on the inner link.",
  },
  proof:
    "The predicted reply is rewritten and delivered to the client, and no rule takes it in on nginx's host, while the service waits for it. It is a fault where servers will be marked down or the log shows timeouts, and a risk where max_fails=0 or a single server keeps them in use.",
  cure: {
    how: [
      'In the service write `proxy_responses 0;`: nginx then closes a session as soon as it has sent the request. Then',
      '  nginx -s reload',
    ].join('\n'),
    touches: ['nginx'],
  },
  run: (c) => {
    const waiting = brokenBy(c, 'awaited-in-vain').map((broken) => ({ ...broken, isFault: fails(c, broken.walk.service) }));
    return [...groupBy(waiting, ({ walk, isFault }) => `${walk.service.host} ${isFault}`).values()].flatMap((group) => {
      const first = group[0];
      return first ? conclude(c, first.walk.service.host, group, first.isFault ? 'fault' : 'risk') : [];
    });
  },
};

function conclude(c: Case, host: string, broken: readonly Broken[], severity: 'fault' | 'risk') {
  const services = servicesOf(broken.map(({ walk }) => walk));
  const lines = services.flatMap((service) => complaints(c, service));
  return concludeFrom(broken, {
    host,
    severity,
    certainty: lines.length > 0 ? 'proven' : 'consistent',
    summary: `nginx on ${host} waits for replies that go straight to the clients (${serviceList(broken)})`,
    because: [
      services.some(({ proxyResponses }) => proxyResponses)
        ? 'each request counts as a failure of its server once proxy_timeout is over'
        : 'each request leaves a session behind until proxy_timeout',
    ],
    cures: setDirectives(c, services, [
      {
        name: 'proxy_responses',
        at: (service) => service.proxyResponses?.at,
        text: 'proxy_responses 0;',
        why: 'nginx then ends each session when the request is sent',
      },
    ]),
    verify: ['tail nginx\'s error log: no new "upstream timed out" and no new "no live upstreams"'],
  });
}

function fails(c: Case, service: Service): boolean {
  return marksDown(service) || complaints(c, service).length > 0;
}

/** A failure is counted where an answer is expected; a single server stays in use whatever is counted (ngx_stream_upstream_round_robin). */
function marksDown({ proxyResponses, upstreams }: Service): boolean {
  const inUse = upstreams.filter(({ down }) => !down);
  return proxyResponses !== undefined && inUse.length > 1 && inUse.some(({ maxFails = 1 }) => maxFails > 0);
}

function complaints(c: Case, service: Service): ErrorLogLine[] {
  const snapshot = c.snapshots.get(service.host);
  const [nginx, nginxErrors] = [factOf(snapshot, 'nginx'), factOf(snapshot, 'nginxErrors')];
  if (!nginx || !nginxErrors) return [];
  return linesSinceStart({ nginx, nginxErrors }, ['upstream-timeout', 'no-live-upstreams', 'worker-connections']).filter((line) => {
    if (line.kind === 'worker-connections') return service.proxyResponses === undefined && line.master === service.master;
    if (line.kind === 'no-live-upstreams')
      return line.master === service.master && line.upstream?.includes(service.upstreamGroup?.name ?? '\0');
    return line.upstream !== undefined && service.upstreams.some((upstream) => concerns(line, { service, upstream }));
  });
}

export default rule;
