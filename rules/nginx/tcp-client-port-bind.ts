import { factOf } from '../../src/path/world.js';
import { groupBy, list, narrate } from '../../src/reasoning/broken.js';
import { linesSinceStart } from '../../src/reasoning/log-since-start.js';
import { concerns } from '../../src/reasoning/logged-upstream.js';
import { rewriteDirective } from '../../src/reasoning/rewrite-directive.js';
import type { ErrorLogLine, Rule, Service, Snapshot } from '../../src/types.js';

/** EADDRINUSE in the kernel's numbering. */
const addressInUse = 98;

const rule: Rule = {
  title: "proxy_bind takes the client's port for TCP",
  why: 'Address and port of both ends tell TCP connections apart. When a client asks again from a port whose upstream connection is still open or in TIME-WAIT, nginx cannot bind: "bind(A:P) failed (98: Address already in use)", status 500. TCP needs the client\'s address alone.',
  signs: {
    logs: 'Now and then a 500, and at level crit `bind(192.168.99.50:40000) failed (98: Address already in use) while connecting to upstream`. Light load may never show it.',
    packets:
      'Towards the upstream requests leave from the very port that the client uses. Where bind() fails nothing leaves. The port is held by a connection that is open or in TIME-WAIT.',
  },
  proof:
    'A fault once errno 98 from bind(A:P) was logged since the workers started; before that the setting is a risk. Not this: `bind() to 0.0.0.0:80 failed (98: …)`, which is a listener that found its port taken when nginx started.',
  cure: {
    how: [
      'TCP needs the address alone: `proxy_bind $remote_addr transparent;`. Only UDP with Direct Server Return needs the port. Then',
      '  nginx -s reload',
    ].join('\n'),
    touches: ['nginx'],
  },
  run: (c) => {
    const bound = c.services.filter(({ protocol, mode, bind }) => protocol !== 'udp' && mode === 'transparent' && bind?.port === 'client');
    const seen = (service: Service) => failedBinds(c.snapshots.get(service.host), service);
    const bySeverity = [
      { severity: 'fault' as const, services: bound.filter((service) => seen(service).length > 0) },
      { severity: 'risk' as const, services: bound.filter((service) => seen(service).length === 0) },
    ];
    return bySeverity.flatMap(({ severity, services }) =>
      [...groupBy(services, ({ host }) => host)].map(([host, group]) => {
        const walks = c.walks.filter((walk) => group.includes(walk.service));
        const lines = group.flatMap(seen);
        const newest = lines.at(-1);
        return {
          host,
          severity,
          certainty: severity === 'fault' ? ('proven' as const) : ('consistent' as const),
          summary: `proxy_bind on ${host} takes the client's port for TCP, which fails when a connection from that port is not long gone (${list(group.map(({ id }) => id))})`,
          steps: [
            ...(walks[0] ? narrate(walks[0]) : []),
            'nginx asks for the very port that the client came from; while an earlier connection holds it, bind() fails',
          ],
          evidence: [
            ...group.flatMap(({ bind }) =>
              bind ? [{ host, what: `proxy_bind ${bind.text} transparent`, source: `${bind.at.file}:${bind.at.line}` }] : [],
            ),
            ...(newest
              ? [{ host, what: `${lines.length}× since the workers started, last: ${newest.text}`, source: newest.source.file }]
              : []),
          ],
          explains: severity === 'fault' ? group.map(({ id }) => `${id}: some requests end with status 500`) : [],
          walks,
          cures: rewriteDirective(c, group, {
            name: 'proxy_bind',
            at: (service) => service.bind?.at,
            become: (text) => text.replace(/:\$(?:\w+|\{\w+\})/, () => ''),
            why: 'the kernel then chooses a free port for each connection',
          }),
          verify: ['tail nginx\'s error log: no new "bind(…) failed (98"'],
        };
      }),
    );
  },
};

function failedBinds(snapshot: Snapshot | undefined, service: Service): ErrorLogLine[] {
  const [nginx, nginxErrors] = [factOf(snapshot, 'nginx'), factOf(snapshot, 'nginxErrors')];
  if (!nginx || !nginxErrors) return [];
  return linesSinceStart({ nginx, nginxErrors }, ['bind']).filter(
    (line) =>
      line.errno === addressInUse &&
      line.upstream !== undefined &&
      service.upstreams.some((upstream) => concerns(line, { service, upstream })),
  );
}

export default rule;
