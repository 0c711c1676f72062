import { editConfig, reloadMaster } from '../../src/cures/nginx.js';
import { installPackage } from '../../src/cures/packages.js';
import { streamModulePath } from '../../src/nginx/command-line.js';
import { factOf } from '../../src/path/world.js';
import { list } from '../../src/reasoning/broken.js';
import { linesSinceStart } from '../../src/reasoning/log-since-start.js';
import { lacksStream } from '../../src/reasoning/refused-config.js';
import { unopened } from '../../src/reasoning/unopened.js';
import type { Cure, Evidence, NginxMaster, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: 'the configuration has a stream block, and nginx has no stream module',
  why: 'TCP and UDP services outside http need ngx_stream_module. Distributions build it as a file of its own, which a load_module line has to name. Without it nginx refuses the whole configuration: a reload changes nothing, the old workers go on without the new services, and the next start fails.',
  signs: {
    logs: '"[emerg] unknown directive "stream" in /etc/nginx/nginx.conf:40" at each reload; nothing when the service manager does the test itself.',
    packets: 'TCP clients of the stream services are refused (RST), UDP clients get an ICMP port unreachable from 192.168.99.10.',
  },
  proof:
    'nginx -V lacks --with-stream, no load_module line names the module, and the listening ports are closed or the log has the message. Where the ports are open the line was taken away since: a risk for the next reload.',
  cure: {
    how: [
      'Install the module where its file is not there, one line for Debian and one for RHEL:',
      '  apt-get install libnginx-mod-stream',
      '  dnf install nginx-mod-stream',
      'Name it in the first line of nginx.conf, `load_module /usr/lib/nginx/modules/ngx_stream_module.so;`, and',
      '  nginx -s reload',
    ].join('\n'),
    touches: ['nginx', 'package'],
  },
  run: (c) =>
    [...c.snapshots.values()].flatMap((snapshot) =>
      (factOf(snapshot, 'nginx')?.masters ?? []).flatMap((master) => {
        const { host } = snapshot;
        const services = c.services.filter(
          (service) => service.host === host && service.master === master.pid && service.protocol !== 'http' && service.mode !== 'plain',
        );
        if (services.length === 0 || !lacksStream(snapshot, master)) return [];
        const closed = unopened(snapshot, services);
        const logged = complaint(snapshot, master);
        const isFault = closed.length > 0 || logged.length > 0;
        return {
          host,
          severity: isFault ? ('fault' as const) : ('risk' as const),
          certainty: logged.length > 0 ? ('proven' as const) : ('consistent' as const),
          summary: `nginx on ${host} has no stream module and refuses its configuration (${list(services.map(({ id }) => id))})`,
          steps: [
            `${master.executable} was built without stream, and no load_module line brings it`,
            isFault
              ? 'nginx refused the files: what runs is an older configuration without these services'
              : 'what runs was started before: the next reload or start fails',
          ],
          evidence: [
            ...logged,
            ...closed.slice(0, 3),
            { host, what: 'no --with-stream among the configure arguments', source: `${master.executable} -V` },
          ],
          explains: isFault ? services.map(({ id }) => `${id}: nobody listens`) : [],
          walks: c.walks.filter((walk) => services.includes(walk.service)),
          cures: cures(snapshot, master),
          verify: ['ss -tuln   # must list the ports of the stream services'],
        };
      }),
    ),
};

function complaint(snapshot: Snapshot, master: NginxMaster): Evidence[] {
  const [nginx, nginxErrors] = [factOf(snapshot, 'nginx'), factOf(snapshot, 'nginxErrors')];
  if (!nginx || !nginxErrors) return [];
  const newest = linesSinceStart({ nginx, nginxErrors }, ['stream-unknown']).findLast((line) => line.master === master.pid);
  return newest ? [{ host: snapshot.host, what: newest.text, source: newest.source.file }] : [];
}

/** A load_module line where the file is there; else the package first, which on some distributions brings the line with it. */
function cures(snapshot: Snapshot, master: NginxMaster): Cure[] {
  const { pid, configFile, streamModule, root } = master;
  const path = streamModulePath(master.configureArguments);
  // A binary that was built without any stream module takes none from a package either.
  if (path === undefined) return [];
  const loading = editConfig(snapshot, pid, {
    at: { file: configFile, line: 1, column: 1 },
    remove: null,
    insert: `load_module ${path};`,
    why: 'nginx then knows the stream block',
  });
  if (streamModule !== undefined) return loading ? [loading] : [];
  const names = { debian: 'libnginx-mod-stream', rhel: 'nginx-mod-stream', alpine: 'nginx-mod-stream' };
  const install = root === '' ? installPackage(snapshot, names, 'the module is a package of its own') : undefined;
  const rest = includesModules(snapshot, pid) ? reloadMaster(snapshot, pid) : loading;
  return install && rest ? [{ ...rest, steps: [install, ...rest.steps] }] : [];
}

/** Debian's and Fedora's main files include what module packages leave in a directory. */
function includesModules(snapshot: Snapshot, pid: number): boolean {
  const config = factOf(snapshot, 'nginxConfig')?.find(({ master }) => master === pid);
  return Object.keys(config?.globs ?? {}).some((pattern) => /\/modules(?:-enabled)?\/\*\.conf$/.test(pattern));
}

export default rule;
