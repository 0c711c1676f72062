import { findMaster, restartMaster } from '../../src/cures/nginx.js';
import { upgradePackage } from '../../src/cures/packages.js';
import { withFact } from '../../src/cures/snapshot.js';
import { factOf } from '../../src/path/world.js';
import { groupBy, list } from '../../src/reasoning/broken.js';
import { configEvidence } from '../../src/reasoning/hits.js';
import { linesSinceStart } from '../../src/reasoning/log-since-start.js';
import { transparentSince } from '../../src/reasoning/refused-config.js';
import { olderThan } from '../../src/reasoning/versions.js';
import type { Case, Cure, Evidence, NginxMaster, Rule, Service, Snapshot } from '../../src/types.js';

/** What an upgrade brings at least; its root master leaves CAP_NET_RAW to the workers. */
const upgraded = '1.13.8';

const rule: Rule = {
  title: 'this nginx does not know "transparent"',
  why: "The parameter came with nginx 1.11.0, and only builds for Linux, FreeBSD and OpenBSD have it. An older nginx refuses the configuration and goes on with the one it had; a build for another system ignores the word, so that its bind to a client's address fails.",
  signs: {
    logs: '"[emerg] invalid number of arguments in "proxy_bind" directive" at the reload, or "transparent proxying is not supported on this platform, ignored".',
    packets: "On nginx's inner link requests leave from 172.16.0.1, or nothing leaves and the client gets status 500.",
  },
  proof: 'The version that the running binary gives (nginx -V of /proc/PID/exe), or the message in the log since the workers started.',
  cure: {
    how: [
      'Install nginx 1.13.8 or newer, where the distribution has none from the packages of nginx.org, and start it instead of the old one:',
      '  nginx -V',
      '  systemctl restart nginx',
    ].join('\n'),
    touches: ['package'],
  },
  run: (c) => {
    const unable = c.services.filter((service) => service.bind?.transparent && reasonsOf(c, service).length > 0);
    return [...groupBy(unable, ({ host, master }) => `${host} ${master}`).values()].flatMap((services) => {
      const first = services[0];
      const snapshot = c.snapshots.get(first?.host ?? '');
      const master = findMaster(snapshot, first?.master ?? 0);
      if (!first || !snapshot || !master) return [];
      const ids = services.map(({ id }) => id);
      return {
        host: snapshot.host,
        severity: 'fault' as const,
        certainty: 'proven' as const,
        summary: `nginx ${master.version ?? 'of unknown version'} on ${snapshot.host} does not support "transparent" (${list(ids)})`,
        steps: [
          'the configuration says proxy_bind … transparent',
          olderThan(master.version, transparentSince)
            ? `the running nginx is ${master.version}; the parameter came with ${transparentSince}`
            : 'the running nginx was built without it and ignores the word',
        ],
        evidence: [
          ...reasonsOf(c, first),
          ...services.flatMap(({ bind }) => (bind ? configEvidence(snapshot.host, `proxy_bind ${bind.text} transparent`, bind.at) : [])),
        ],
        explains: ids.map((id) => `${id}: upstreams do not see the client's address`),
        walks: c.walks.filter((walk) => services.includes(walk.service)),
        cures: cures(snapshot, master),
        verify: [`/proc/$(pgrep -o -x nginx)/exe -v   # must be ${transparentSince} or newer`],
      };
    });
  },
};

function reasonsOf(c: Case, { host, master: pid }: Service): Evidence[] {
  const snapshot = c.snapshots.get(host);
  const master = findMaster(snapshot, pid);
  const [nginx, nginxErrors] = [factOf(snapshot, 'nginx'), factOf(snapshot, 'nginxErrors')];
  const lines = nginx && nginxErrors ? linesSinceStart({ nginx, nginxErrors }, ['transparent-unsupported']) : [];
  // A newer nginx counts arguments as well: "invalid number" is then some other mistake.
  const ignored = lines.findLast((line) => line.master === pid && line.text.includes('not supported on this platform'));
  return [
    ...(master && olderThan(master.version, transparentSince)
      ? [{ host, what: `nginx version: nginx/${master.version}`, source: `${master.executable} -V` }]
      : []),
    ...(ignored ? [{ host, what: ignored.text, source: ignored.source.file }] : []),
  ];
}

function cures(snapshot: Snapshot, master: NginxMaster): Cure[] {
  const names = { debian: 'nginx', rhel: 'nginx', alpine: 'nginx' };
  const install = master.root === '' ? upgradePackage(snapshot, names, `${transparentSince} and newer know "transparent"`) : undefined;
  const restart = restartMaster(snapshot, master.pid, 'the old program goes on running until it is started anew');
  if (!install || !restart) return [];
  const newer = (before: Snapshot) =>
    withFact(before, 'nginx', (nginx) => ({
      ...nginx,
      masters: nginx.masters.map((each) => (each.pid === master.pid ? { ...each, version: upgraded } : each)),
    }));
  const silent = (before: Snapshot) =>
    withFact(before, 'nginxErrors', (lines) => lines.filter(({ kind }) => kind !== 'transparent-unsupported'));
  return [{ ...restart, steps: [install, ...restart.steps], apply: (before) => restart.apply(newer(silent(before))) }];
}

export default rule;
