import { reloadMaster } from '../../src/cures/nginx.js';
import { sameAddress } from '../../src/net/address.js';
import { factOf } from '../../src/path/world.js';
import { list } from '../../src/reasoning/broken.js';
import { linesSinceStart } from '../../src/reasoning/log-since-start.js';
import { endpointOf } from '../../src/reasoning/logged-upstream.js';
import { lacksStream, lacksTransparent } from '../../src/reasoning/refused-config.js';
import { awaitsReload, unreadChanges } from '../../src/reasoning/reload.js';
import { unopened } from '../../src/reasoning/unopened.js';
import type { Case, ErrorLogLine, Evidence, NginxMaster, Rule, Service, Snapshot } from '../../src/types.js';

/** EADDRNOTAVAIL: the source address is not this host's, and the socket is not transparent. */
const cannotAssign = 99;

const rule: Rule = {
  title: 'the configuration on disk is not the one that runs',
  why: 'nginx reads its files at start and at reload. Until then its workers do what the old files said, and everything that is said about the configuration is about files that nobody follows.',
  signs: {
    logs: 'Nothing says so. What is logged contradicts the files: errno 99 from bind() although they say `transparent`, or an upstream that they do not name. At level notice a reload leaves the word `reconfiguring`; where it is younger than the files, they run.',
    packets: 'What the old files ask for, for example requests under 172.16.0.1 although the file now says `transparent`.',
  },
  proof:
    'A fault only where a log line, a port that is not open or the capabilities of the workers contradict the disk. Younger file times alone are a risk: a deployment that writes the same text again, or `touch`, changes them too. A worker titled "is shutting down" still serves its old connections by the old files and is no sign of this.',
  cure: {
    how: [
      'Where several masters run, name the configuration as the diagnosis does:',
      '  nginx -c /etc/nginx/nginx.conf -s reload',
      'Then the workers must be younger than the files:',
      '  ps -o pid,lstart,cmd -C nginx',
    ].join('\n'),
    touches: ['nginx'],
  },
  run: (c) =>
    [...c.snapshots.values()].flatMap((snapshot) =>
      (factOf(snapshot, 'nginx')?.masters ?? []).flatMap((master) => {
        const newer = unreadChanges(snapshot, master);
        const services = c.services.filter(
          ({ host, master: pid, mode }) => host === snapshot.host && pid === master.pid && mode !== 'plain',
        );
        // A configuration that nginx refuses is no cure for one that it does not follow yet.
        if (newer.length === 0 || services.length === 0 || lacksStream(snapshot, master) || lacksTransparent(snapshot, master)) return [];
        const contradictions = contradictionsOf(c, snapshot, master, services);
        const reload = reloadMaster(snapshot, master.pid);
        const files = list(newer.map(({ file }) => file));
        return {
          host: snapshot.host,
          severity: contradictions.length > 0 ? ('fault' as const) : ('risk' as const),
          certainty: contradictions.length > 0 ? ('proven' as const) : ('consistent' as const),
          summary: `${files} on ${snapshot.host} changed after nginx's workers started: they run an older configuration`,
          steps: [
            ...newer.map(
              ({ file, late }) => `${file} was changed ${late.toFixed(1)} s after the oldest worker of master ${master.pid} started`,
            ),
            ...(contradictions.length > 0 ? ['what nginx does is not what the files say'] : []),
          ],
          evidence: [
            ...contradictions,
            ...newer.map(({ file }) => ({ host: snapshot.host, what: 'newer than the workers', source: file })),
          ],
          explains: contradictions.length > 0 ? services.map(({ id }) => `${id}: follows the old files`) : [],
          walks: c.walks.filter((walk) => services.includes(walk.service)),
          cures: reload ? [reload] : [],
          verify: [`ps -o lstart= -p $(pgrep -n -P ${master.pid})   # must be later than the files`],
        };
      }),
    ),
};

/** What nginx does or logs that the files on disk do not account for. */
function contradictionsOf(c: Case, snapshot: Snapshot, master: NginxMaster, services: readonly Service[]): Evidence[] {
  const { host } = snapshot;
  const all = c.services.filter((service) => service.host === host && service.master === master.pid);
  const facts = { nginx: factOf(snapshot, 'nginx'), nginxErrors: factOf(snapshot, 'nginxErrors') };
  const { nginx, nginxErrors } = facts;
  const logged =
    nginx && nginxErrors
      ? linesSinceStart({ nginx, nginxErrors }, [
          'bind',
          'connect-cannot-assign',
          'connect-refused',
          'connect-unreachable',
          'upstream-timeout',
        ])
      : [];
  const ours = logged.filter((line) => line.master === master.pid);
  const line =
    ours.findLast((each) => each.errno === cannotAssign && services.every(({ bind }) => bind?.transparent)) ?? strangerOf(ours, all);
  const worker = master.workers[0];
  return [
    ...(line ? [{ host, what: line.text, source: line.source.file }] : []),
    ...unopened(snapshot, services).slice(0, 3),
    ...(awaitsReload(snapshot, master) && worker
      ? [{ host, what: `CapEff: ${worker.effectiveCapabilities}: older than "transparent"`, source: `/proc/${worker.pid}/status` }]
      : []),
  ];
}

/** A line about an upstream that the files do not name. Names that could not be resolved may stand for any. */
function strangerOf(lines: readonly ErrorLogLine[], services: readonly Service[]): ErrorLogLine | undefined {
  const upstreams = services.flatMap((service) => service.upstreams);
  if (upstreams.some(({ address }) => address === undefined)) return undefined;
  return lines.findLast((line) => {
    const named = line.upstream === undefined ? undefined : endpointOf(line.upstream);
    return named && !upstreams.some(({ address, port }) => sameAddress(address, named.address) && port === named.port);
  });
}

export default rule;
