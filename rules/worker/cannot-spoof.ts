import { directiveText, editConfig, findMaster, restartMaster } from '../../src/cures/nginx.js';
import { mainDirective } from '../../src/nginx/of-snapshot.js';
import { hasNetRaw } from '../../src/path/legs/nginx.js';
import { brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { awaitsReload } from '../../src/reasoning/reload.js';
import { olderThan } from '../../src/reasoning/versions.js';
import type { Case, Cure, NginxMaster, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: 'the running nginx worker may not bind to foreign addresses',
  why: 'IP_TRANSPARENT needs CAP_NET_RAW or CAP_NET_ADMIN. A root master of nginx 1.13.8 or newer leaves CAP_NET_RAW to its unprivileged workers; a master that is not root itself, or an older one, does not. Every request then ends with status 500 and "setsockopt(IP_TRANSPARENT) failed (1: Operation not permitted)".',
  signs: {
    logs: 'http answers 500. For every request of every transparent service error.log has, at level alert: `setsockopt(IP_TRANSPARENT) failed (1: Operation not permitted) while connecting to upstream`. UDP clients hear nothing. No kernel counter moves.',
    packets: 'Towards the client everything looks normal up to the 500. On the link to the upstreams nothing of the requests appears.',
  },
  proof:
    'CapEff of a running worker has neither bit 13 (NET_RAW, 0x2000) nor bit 12 (NET_ADMIN, 0x1000). Not this: workers that run as www-data, which is fine as long as CapEff says 2000; and capability lines in a unit that nobody restarted.',
  cure: {
    how: [
      'Start the master as root and leave `user` as it is; nginx 1.13.8 and newer then keep CAP_NET_RAW for the workers.',
      '  systemctl restart nginx',
      "  grep CapEff /proc/$(pgrep -n -f 'nginx: worker')/status",
      'Where the unit has `User=`, give it `AmbientCapabilities=CAP_NET_RAW CAP_NET_BIND_SERVICE` as well. An older nginx needs `user root;`.',
    ].join('\n'),
    touches: ['nginx', 'unit'],
  },
  run: (c) =>
    [...groupBy(brokenBy(c, 'worker-cannot-spoof'), ({ step }) => step.host)].flatMap(([host, broken]) => {
      const master = findMaster(c.snapshots.get(host), broken[0]?.walk.service.master ?? 0);
      if (!master || awaitsReload(c.snapshots.get(host), master) || olderThan(master.version, '1.11.0')) return [];
      return concludeFrom(broken, {
        host,
        summary: `nginx's workers on ${host} have neither CAP_NET_RAW nor CAP_NET_ADMIN and cannot bind to the client's address (${serviceList(broken)})`,
        because: [reason(master)],
        evidence: [
          {
            host,
            what: `master ${master.pid}: uid ${master.uid}, CapBnd ${master.boundingCapabilities}, nginx ${master.version ?? 'of unknown version'}`,
            source: `/proc/${master.pid}/status`,
          },
        ],
        cures: cures(c, host, master),
        verify: [`grep CapEff /proc/$(pgrep -n -P ${master.pid})/status   # bit 13 (0x2000) must be set`],
      });
    }),
};

function reason({ uid, version, boundingCapabilities }: NginxMaster): string {
  if (uid !== 0) return `the master runs as uid ${uid}: only a root master can leave CAP_NET_RAW to its workers`;
  if (olderThan(version, '1.13.8')) return `nginx ${version} does not leave CAP_NET_RAW to unprivileged workers (1.13.8 and newer do)`;
  if (!hasNetRaw(boundingCapabilities)) return 'CAP_NET_RAW is not in the bounding set of the master';
  return 'the master is root and could leave CAP_NET_RAW to its workers: they were started before the configuration said "transparent"';
}

function cures(c: Case, host: string, master: NginxMaster): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const why = 'a root master leaves CAP_NET_RAW to its workers';
  if (master.uid === 0 && olderThan(master.version, '1.13.8')) return asRootUser(snapshot, master);
  const restart = restartMaster(snapshot, master.pid, why);
  return restart ? [restart] : [];
}

/** An old nginx cannot leave a capability to another user, so its workers have to be root. */
function asRootUser(snapshot: Snapshot, master: NginxMaster): Cure[] {
  const user = mainDirective(snapshot, master, 'user');
  const at = user?.at ?? { file: master.configFile, line: 1, column: 1 };
  const remove = user ? directiveText(snapshot, master.pid, user) : null;
  if (remove === undefined) return [];
  const edit = editConfig(snapshot, master.pid, {
    at,
    remove,
    insert: 'user root;',
    why: `nginx ${master.version} leaves no capability to another user`,
  });
  return edit ? [edit] : [];
}

export default rule;
