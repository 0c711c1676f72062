import { withPort } from '../net/address.js';
import type { Case, NotExamined, PathReport, ReportedHost, Snapshot, Walk } from '../types.js';
import { gather } from './gather.js';
import { type ExitCode, type Io, type PathOptions, UsageError } from './options.js';

export interface PathResult {
  report: PathReport;
  exitCode: ExitCode;
}

const exitCodes: Readonly<Record<Walk['end'], ExitCode>> = { whole: 0, broken: 1, unknown: 2 };

/** `tpdoctor path`: predicts one client's way to one service as `check` does, and tells every step. Rejects with a UsageError where nothing listens. */
export async function runPath(options: PathOptions, io: Io): Promise<PathResult> {
  const started = Date.now();
  const { from, to } = options;
  const base = { clients: [from], roles: new Map(), ...(options.nginxPid === undefined ? {} : { nginxPid: options.nginxPid }) };
  const caseOptions = { ...base, to };
  const [{ snapshots, hosts }, { buildCase }, { tellWalk, withoutWalk }, { findUnseen }] = await Promise.all([
    gather({ ...options, outbound: [] }, caseOptions, io),
    import('../engine/case.js'),
    import('../engine/tell-walk.js'),
    import('../engine/unseen.js'),
  ]);
  const c = buildCase(snapshots, caseOptions);
  const unread = unreadNginx(snapshots, hosts);
  if (c.services.length === 0 && unread.length === 0) throw new UsageError(nothingListens(options, buildCase(snapshots, base)));
  const left = withoutWalk(c);
  const isOpen = unread.length > 0 || c.walks.length === 0 || left.some(({ open }) => open);
  const end = endOf(c.walks, isOpen);
  const report: PathReport = {
    schema: 'tpdoctor.path/1',
    tool: { name: 'tpdoctor', version: options.version },
    startedAt: new Date(started).toISOString(),
    tookMs: Date.now() - started,
    from,
    to: withPort(to.address, to.port),
    end,
    hosts,
    walks: c.walks.map((walk) => tellWalk(snapshots, walk)),
    notExamined: [...unread, ...left.map(({ what, why }) => ({ what, why })), ...findUnseen(c)],
  };
  return { report, exitCode: exitCodes[end] };
}

function endOf(walks: readonly Walk[], isOpen: boolean): Walk['end'] {
  if (walks.some(({ end }) => end === 'broken')) return 'broken';
  return isOpen || walks.some(({ end }) => end === 'unknown') ? 'unknown' : 'whole';
}

/** Hosts that may run an nginx nobody saw. */
function unreadNginx(snapshots: ReadonlyMap<string, Snapshot>, hosts: readonly Omit<ReportedHost, 'roles'>[]): NotExamined[] {
  const silent = hosts.filter(({ reached }) => !reached).map(({ name, why }) => ({ what: name, why: why ?? 'it was not reached' }));
  const closed = [...snapshots.values()].flatMap(({ host, facts: { nginx, nginxConfig } }) => {
    if (!nginx?.ok) return [{ what: `${host}: nginx`, why: nginx?.why ?? 'it was not read' }];
    if (nginx.value.masters.length === 0 || nginxConfig?.ok) return [];
    return [{ what: `${host}: nginx's configuration`, why: nginxConfig?.why ?? 'it was not read' }];
  });
  return [...silent, ...closed];
}

const mostTold = 8;

function nothingListens({ to, from }: PathOptions, { services }: Case): string {
  const where = `${withPort(to.address, to.port)}${to.protocol === undefined ? '' : ` over ${to.protocol.toUpperCase()}`}`;
  const found = services.flatMap(({ host, id, listeners }) =>
    listeners.map(({ address, family, port, protocol }) => {
      const endpoint = withPort(address ?? (family === 4 ? '0.0.0.0' : '::'), port);
      return `${endpoint}${protocol === 'udp' ? ' UDP' : ''} (${id} on ${host})`;
    }),
  );
  if (found.length === 0) return `no nginx with a proxy_pass listens at ${where}, nor anywhere else on the named hosts: name nginx's host`;
  const more = found.length > mostTold ? ` and ${found.length - mostTold} more` : '';
  return `no nginx with a proxy_pass listens at ${where}, where ${from} asks; on the named hosts these listen: ${found.slice(0, mostTold).join(', ')}${more}`;
}
