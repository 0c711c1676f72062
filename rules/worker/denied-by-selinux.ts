import { combine } from '../../src/cures/combine.js';
import { findMaster, restartMaster } from '../../src/cures/nginx.js';
import { allowDenied } from '../../src/cures/selinux.js';
import { hasNetAdmin, hasNetRaw, maySpoof } from '../../src/path/legs/nginx.js';
import { factOf } from '../../src/path/world.js';
import { distinct, groupBy, list } from '../../src/reasoning/broken.js';
import { linesSinceStart, startOf } from '../../src/reasoning/log-since-start.js';
import type { Case, Conclusion, Cure, NginxMaster, ProcessStatus, Rule, SelinuxDenial, Service, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: 'SELinux denies nginx what a transparent proxy does',
  why: 'Distributions with SELinux confine nginx to the domain httpd_t. Its policy allows neither CAP_NET_RAW, which a transparent socket needs, nor connections to ports that are not labelled for web servers. The kernel asks SELinux after the ordinary checks, so capabilities in /proc look right and the call fails all the same.',
  signs: {
    logs: '"setsockopt(IP_TRANSPARENT) failed (1: Operation not permitted)" although CapEff has bit 13, or "connect() to 172.16.0.11:9000 failed (13: Permission denied)"; in /var/log/audit/audit.log "avc: denied { net_raw } … comm="nginx"".',
    packets: "The client's request arrives on nginx's outer link, and nothing leaves on the inner one.",
  },
  proof:
    'An AVC denial for nginx since its workers started, while SELinux enforces: of net_raw, net_admin or setcap, of a connection to a port of the service, or of binding to the port of a client (name_bind). A denial about files, or one that permissive mode only recorded, proves nothing.',
  cure: {
    how: [
      'For connections:',
      '  setsebool -P httpd_can_network_connect on',
      'For the rest a policy module made of the denials; read it before it is loaded:',
      '  ausearch -m avc -c nginx --raw | audit2allow -M nginx_transparent',
      '  semodule -i nginx_transparent.pp',
    ].join('\n'),
    touches: ['platform'],
  },
  run: (c) =>
    [...c.snapshots.values()].flatMap((snapshot) => {
      const services = c.services.filter(({ host, mode }) => host === snapshot.host && mode !== 'plain');
      return [...groupBy(services, ({ master }) => String(master)).values()].flatMap((group) => {
        const master = findMaster(snapshot, group[0]?.master ?? 0);
        return master ? judge(c, snapshot, master, group) : [];
      });
    }),
};

function judge(c: Case, snapshot: Snapshot, master: NginxMaster, services: readonly Service[]): Conclusion[] {
  const selinux = factOf(snapshot, 'selinux');
  if (selinux?.mode !== 'enforcing') return [];
  const since = startOf(master) - 1;
  const denials = selinux.denials.filter(({ at }) => at >= since);
  const hit = services.filter((service) => denials.some((denial) => stops(denial, service, master, denials)));
  const relevant = denials.filter((denial) => hit.some((service) => stops(denial, service, master, denials)));
  if (relevant.length > 0) return [conclude(c, snapshot, master, hit, relevant)];
  const refused = selinux.unread === undefined ? undefined : refusedAllTheSame(snapshot, master);
  if (refused === undefined) return [];
  return [
    {
      ...conclude(c, snapshot, master, services, []),
      certainty: 'possible',
      settle: 'ausearch -m avc -c nginx -ts today, as root',
      ...refused,
    },
  ];
}

/** Whether a denial stops a service. */
function stops(denial: SelinuxDenial, service: Service, { workers }: NginxMaster, all: readonly SelinuxDenial[]): boolean {
  const { class: kind, permissions, port } = denial;
  if (kind === 'process') return permissions.includes('setcap') && workers.length === 0;
  if (kind === 'capability') return service.bind?.transparent === true && workers.some((worker) => losesTransparency(worker, all));
  const isOurs = kind === (service.protocol === 'udp' ? 'udp_socket' : 'tcp_socket');
  // The port of a listener was bound before the workers started; binding to a client's, each worker asks anew.
  if (isOurs && permissions.includes('name_bind')) return service.bind?.port === 'client' && !listensOn(service, port);
  return isOurs && permissions.includes('name_connect') && service.upstreams.some((upstream) => upstream.port === port);
}

function listensOn({ listeners }: Service, port: number | undefined): boolean {
  return listeners.some((listener) => listener.port === port);
}

/** Either capability is enough for a transparent socket, so each that the worker has must be denied. */
function losesTransparency({ effectiveCapabilities }: ProcessStatus, all: readonly SelinuxDenial[]): boolean {
  const denied = new Set(all.filter(({ class: kind }) => kind === 'capability').flatMap(({ permissions }) => permissions));
  const [raw, admin] = [hasNetRaw(effectiveCapabilities), hasNetAdmin(effectiveCapabilities)];
  return (raw || admin) && (!raw || denied.has('net_raw')) && (!admin || denied.has('net_admin'));
}

function conclude(
  c: Case,
  snapshot: Snapshot,
  master: NginxMaster,
  services: readonly Service[],
  denials: readonly SelinuxDenial[],
): Conclusion {
  const { host } = snapshot;
  const what = distinct(denials.flatMap(({ permissions, class: kind }) => permissions.map((permission) => `${permission} (${kind})`)));
  return {
    host,
    severity: 'fault',
    certainty: 'proven',
    summary: `SELinux on ${host} denies nginx ${list(what)} (${list(services.map(({ id }) => id))})`,
    steps: [
      'SELinux enforces its policy',
      ...denials.slice(0, 1).map(({ source, target }) => `processes of type ${source} are denied ${list(what)} on ${target}`),
      'capabilities and ports are right and yet the kernel refuses',
    ],
    evidence: [
      ...denials.slice(-4).map(({ text }) => ({ host, what: text, source: sourceOf(text) })),
      { host, what: 'SELinux is enforcing', source: '/sys/fs/selinux/enforce' },
    ],
    explains: services.map(({ id }) => `${id}: requests fail on nginx's host`),
    walks: c.walks.filter((walk) => services.includes(walk.service)),
    cures: cures(snapshot, master, denials),
    verify: ['ausearch -m avc -c nginx -ts recent   # no new denial'],
  };
}

/** Without auditd the kernel's own log has them. */
function sourceOf(denial: string): string {
  return /^(?:node=\S+ )?type=/.test(denial) ? '/var/log/audit/audit.log' : 'journalctl --dmesg';
}

function cures(snapshot: Snapshot, master: NginxMaster, denials: readonly SelinuxDenial[]): Cure[] {
  const allowed = allowDenied(snapshot, denials);
  if (!allowed) return [];
  const restart =
    master.workers.length === 0 ? restartMaster(snapshot, master.pid, 'workers that died do not come back by themselves') : undefined;
  return [restart ? combine(snapshot.host, [allowed, restart]) : allowed];
}

/** A worker that has the capability and was refused: the log that would tell why is out of reach. */
function refusedAllTheSame(snapshot: Snapshot, master: NginxMaster): Pick<Conclusion, 'summary' | 'evidence' | 'steps'> | undefined {
  const [nginx, nginxErrors] = [factOf(snapshot, 'nginx'), factOf(snapshot, 'nginxErrors')];
  const able = master.workers.length > 0 && master.workers.every(({ effectiveCapabilities }) => maySpoof(effectiveCapabilities));
  if (!able || !nginx || !nginxErrors) return undefined;
  const line = linesSinceStart({ nginx, nginxErrors }, ['setsockopt-transparent']).findLast(
    ({ errno, master: pid }) => errno === 1 && pid === master.pid,
  );
  const { host } = snapshot;
  return (
    line && {
      summary: `the kernel on ${host} refuses workers that have the capability, and SELinux enforces its policy`,
      steps: ['the workers have CAP_NET_RAW and are refused all the same', factOf(snapshot, 'selinux')?.unread ?? ''],
      evidence: [
        { host, what: line.text, source: line.source.file },
        { host, what: 'SELinux is enforcing', source: '/sys/fs/selinux/enforce' },
      ],
    }
  );
}

export default rule;
