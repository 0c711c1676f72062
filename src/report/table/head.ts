import type { Report } from '../../types.js';
import { columns } from '../columns.js';
import { hostState, mark, statuses } from '../marks.js';
import type { Pen } from '../style.js';

/** A line per host: reached or not, what it is, and its checks counted by area. */
export function hosts(report: Report, pen: Pen): string[] {
  const rows = report.hosts.map(({ name, roles, reached, why }) => [
    ` ${mark(hostState(report, name).status, pen)} ${name}`,
    roles.join(', ') || (reached ? '' : 'not reached'),
    reached ? areas(report, name, pen) : (why ?? 'no reason given'),
  ]);
  return rows.length > 0 ? ['', pen.paint('Hosts', 'bold'), ...columns(rows, pen)] : [];
}

/** `routing ✗ 1 ✓ 4`: findings of one host, by the first part of the check's id. */
function areas(report: Report, host: string, pen: Pen): string {
  const here = report.findings.filter((finding) => finding.host === host);
  const areaOf = (check: string) => check.split('/')[0] ?? '';
  return [...new Set(here.map(({ check }) => areaOf(check)))]
    .sort()
    .map((area) => {
      const inArea = here.filter(({ check }) => areaOf(check) === area);
      const counts = statuses.flatMap((status) => {
        const count = inArea.filter((finding) => finding.status === status).length;
        return count > 0 && status !== 'skip' ? [`${mark(status, pen)} ${count}`] : [];
      });
      return counts.length > 0 ? `${area} ${counts.join(' ')}` : '';
    })
    .filter((text) => text !== '')
    .join('   ');
}

const modeNames: Record<Report['services'][number]['mode'], string> = {
  transparent: 'transparent',
  'dsr-router-nat': 'DSR, router NAT',
  'dsr-origin-nat': 'DSR, origin NAT',
  dsr: 'DSR',
  'one-way': 'one-way',
  plain: 'plain',
};

export function services(report: Report, pen: Pen): string[] {
  if (report.services.length === 0) return ['', 'No proxied service was found.'];
  const shared = new Set(report.services.map(({ host }) => host)).size > 1;
  const rows = report.services.map((service) => {
    const broken = report.diagnoses.flatMap((each, i) =>
      each.services.includes(service.id) && each.severity === 'fault' ? [`[${i + 1}]`] : [],
    );
    return [
      ` ${mark(broken.length > 0 ? 'fail' : 'skip', pen)} ${service.id}`,
      modeNames[service.mode],
      ...(shared ? [service.host] : []),
      few(service.listen),
      few(service.upstreams),
      `${service.at.file}:${service.at.line}`,
    ];
  });
  const head = ['   service', 'mode', ...(shared ? ['host'] : []), 'listens on', 'upstreams', 'configured at'];
  return ['', pen.paint('Services', 'bold'), ...columns(rows, pen, head)];
}

function few(values: readonly string[]): string {
  const most = 4;
  return values.length > most ? `${values.slice(0, most).join(' ')} +${values.length - most}` : values.join(' ');
}
