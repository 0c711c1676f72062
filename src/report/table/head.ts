import type { FindingStatus, Report } from '../../types.js';
import { columns } from '../columns.js';
import { displayWidth, hang, padEnd, shorten, wrap } from '../layout.js';
import { hostState, mark, statuses } from '../marks.js';
import type { Pen } from '../style.js';

/** A line per host: reached or not, what it is, and its checks counted by area. */
export function hosts(report: Report, pen: Pen): string[] {
  const rows = report.hosts.map(({ name, roles, reached, why }) => [
    ` ${mark(hostState(report, name).status, pen)} ${shorten(name, 40, pen.glyphs.cut)}`,
    roles.join(', ') || (reached ? '' : 'not reached'),
    reached ? areas(report, name, pen) : (why ?? 'no reason given'),
  ]);
  return rows.length > 0 ? ['', pen.paint('Hosts', 'bold'), ...columns(rows, pen)] : [];
}

/** `routing ✗ 1 ✓ 4`: findings of one host, by the first part of the check's id. */
function areas(report: Report, host: string, pen: Pen): string[] {
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
    .filter((text) => text !== '');
}

const modeNames: Record<Report['services'][number]['mode'], string> = {
  transparent: 'transparent',
  'dsr-router-nat': 'DSR, router NAT',
  'dsr-origin-nat': 'DSR, origin NAT',
  dsr: 'DSR',
  'one-way': 'one-way',
  plain: 'plain',
};

/** Two lines per service: what it is and where it is written, then where it listens and where it passes on. */
export function services(report: Report, pen: Pen): string[] {
  if (report.services.length === 0) return ['', 'No proxied service was found.'];
  const names = report.services.map(({ id }) => shorten(id, 40, pen.glyphs.cut));
  const longest = Math.max(...names.map(displayWidth));
  const lines = report.services.flatMap((service, i) => {
    const name = `${padEnd(names[i] ?? '', longest)}  ${modeNames[service.mode].padEnd(16)}`;
    const at = wrap(`${service.host}: ${service.at.file}:${service.at.line}`, pen.width - 3).map((line) => pen.paint(line, 'dim'));
    const oneLine =
      at.length === 1 && 5 + displayWidth(name) + displayWidth(`${service.host}: ${service.at.file}:${service.at.line}`) <= pen.width;
    return [
      ` ${mark(serviceStatus(report, service.id), pen)} ${name}${oneLine ? `  ${at[0]}` : ''}`.trimEnd(),
      ...(oneLine ? [] : at.map((line) => `   ${line}`)),
      ...hang('   ', `${few(service.listen, pen)} ${pen.glyphs.line}${pen.glyphs.right} ${few(service.upstreams, pen)}`, pen.width),
    ];
  });
  return ['', pen.paint('Services', 'bold'), ...lines];
}

function serviceStatus(report: Report, id: string): FindingStatus {
  const faults = report.diagnoses.filter(({ severity, services }) => severity === 'fault' && services.includes(id));
  if (faults.some(({ certainty }) => certainty !== 'possible')) return 'fail';
  if (faults.length > 0) return 'unknown';
  return report.verdict === 'healthy' ? 'pass' : 'skip';
}

function few(values: readonly string[], pen: Pen): string {
  const most = 4;
  const shown = values.slice(0, most).map((value) => shorten(value, 60, pen.glyphs.cut));
  return [...shown, ...(values.length > most ? [`and ${values.length - most} more`] : [])].join(', ');
}
