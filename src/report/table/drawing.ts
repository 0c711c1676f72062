import type { FindingStatus, Report, ReportedService } from '../../types.js';
import { displayWidth, padEnd, shorten } from '../layout.js';
import { hostState, mark } from '../marks.js';
import type { Pen } from '../style.js';

/** One line in a box: a host with what is known about it, or an address that nobody named a host for. */
interface Entry {
  status: FindingStatus;
  name: string;
  diagnoses: readonly number[];
}

const mostEntries = 6;

/** The way of a packet from client to proxy to upstreams, once per proxy, with a mark on the hosts where it must be cured. */
export function drawing(report: Report, pen: Pen): string[] {
  const proxies = [...new Set(report.services.map((service) => service.host))];
  return proxies.flatMap((proxy) => ['', ...drawProxy(report, proxy, pen)]);
}

function drawProxy(report: Report, proxy: string, pen: Pen): string[] {
  const services = report.services.filter((service) => service.host === proxy);
  const boxes = [clients(report), [entry(report, proxy)], upstreams(report, services)];
  const height = Math.max(2, ...boxes.map((box) => box.length));
  const throughNginx = services.some(({ mode }) => mode === 'transparent' || mode === 'plain');
  const room = Math.floor((pen.width - 2 * arrowWidth - 2) / 3);
  const columns = boxes.flatMap((box, i) => [...(i > 0 ? [arrows(height, throughNginx, pen)] : []), drawBox(box, height, room, pen)]);
  const rows = Array.from({ length: height + 2 }, (_, row) => ` ${columns.map((column) => column[row] ?? '').join('')}`.trimEnd());
  return [
    ...rows,
    ...directReply(
      report,
      services,
      boxes.map((box) => boxWidth(box, room)),
      pen,
    ),
    ...elsewhere(report, boxes.flat(), pen),
  ];
}

function entry(report: Report, name: string): Entry {
  return { name, ...hostState(report, name) };
}

function clients(report: Report): Entry[] {
  const named = report.hosts.filter(({ roles }) => roles.includes('client')).map(({ name }) => entry(report, name));
  return named.length > 0 ? few(named) : [{ status: 'skip', name: 'clients', diagnoses: [] }];
}

function upstreams(report: Report, services: readonly ReportedService[]): Entry[] {
  const named = report.hosts.filter(({ roles }) => roles.includes('upstream')).map(({ name }) => entry(report, name));
  if (named.length > 0) return few(named);
  const addresses = [...new Set(services.flatMap((service) => service.upstreams))];
  return few(addresses.map((name) => ({ status: 'skip', name, diagnoses: [] })));
}

/** Those with something against them are never left out. */
function few(entries: readonly Entry[]): Entry[] {
  if (entries.length <= mostEntries) return [...entries];
  const bad = entries.filter(({ status }) => status !== 'pass' && status !== 'skip');
  const shown = [...bad, ...entries.filter((each) => !bad.includes(each))].slice(0, Math.max(bad.length, mostEntries - 1));
  return [...shown, { status: 'skip', name: `${entries.length - shown.length} more`, diagnoses: [] }];
}

const arrowWidth = 7;

function arrows(height: number, withReply: boolean, { glyphs, paint }: Pen): string[] {
  const shaft = glyphs.line.repeat(arrowWidth - 3);
  const blank = ' '.repeat(arrowWidth);
  const there = ` ${paint(shaft + glyphs.right, 'cyan')} `;
  const back = withReply ? ` ${paint(glyphs.left + shaft, 'cyan')} ` : blank;
  return [blank, there, back, ...Array.from({ length: height - 1 }, () => blank)];
}

/** Name and numbers of the diagnoses, in at most `room` columns with box and mark. */
function label({ name, diagnoses }: Entry, room: number, cut: string): string {
  const numbers = diagnoses.length > 0 ? ` [${diagnoses.join(' ')}]` : '';
  return shorten(name, Math.max(6, room - 6 - numbers.length), cut) + numbers;
}

function boxWidth(entries: readonly Entry[], room: number): number {
  return Math.max(...entries.map((each) => displayWidth(label(each, room, '~')))) + 6;
}

function drawBox(entries: readonly Entry[], height: number, room: number, pen: Pen): string[] {
  const labels = entries.map((each) => label(each, room, pen.glyphs.cut));
  const inner = Math.max(...labels.map(displayWidth));
  const [topLeft = '', topRight = '', bottomLeft = '', bottomRight = ''] = pen.glyphs.corners;
  const border = pen.glyphs.line.repeat(inner + 4);
  const lines = Array.from({ length: height }, (_, i) => {
    const each = entries[i];
    const text = padEnd(labels[i] ?? '', inner);
    const colour = each?.status === 'fail' ? (['red', 'bold'] as const) : [];
    const content = each ? `${mark(each.status, pen)} ${pen.paint(text, ...colour)}` : `  ${text}`;
    return `${pen.glyphs.bar} ${content} ${pen.glyphs.bar}`;
  });
  return [topLeft + border + topRight, ...lines, bottomLeft + border + bottomRight];
}

/** Hosts that have no place in the drawing but something against them. */
function elsewhere(report: Report, drawn: readonly Entry[], pen: Pen): string[] {
  const missing = report.hosts
    .map(({ name }) => entry(report, name))
    .filter(({ name, status }) => status !== 'pass' && !drawn.some((each) => each.name === name));
  return missing.length > 0
    ? [` elsewhere: ${missing.map((each) => `${mark(each.status, pen)} ${label(each, 40, pen.glyphs.cut)}`).join('  ')}`]
    : [];
}

/** Direct Server Return: the reply passes below nginx, from the upstreams to the client. */
function directReply(report: Report, services: readonly ReportedService[], widths: readonly number[], pen: Pen): string[] {
  const direct = services.filter(({ mode }) => mode.startsWith('dsr'));
  if (direct.length === 0) return [];
  const routed = direct.some(({ mode }) => mode === 'dsr-router-nat');
  const routers = report.hosts.filter(({ roles }) => routed && roles.includes('router')).map(({ name }) => name);
  const [first = 0, middle = 0, last = 0] = widths;
  const from = 1 + Math.floor(first / 2);
  const to = 1 + first + middle + 2 * arrowWidth + Math.floor(last / 2);
  const { glyphs } = pen;
  const by = routers.length > 0 ? `, routed by ${routers.join(', ')}` : '';
  const text = `replies of ${direct.map(({ id }) => id).join(', ')}${by}`;
  const span = Math.max(4, to - from - 1);
  const shown = ` ${shorten(text, span - 4, glyphs.cut)} `;
  const fill = span - displayWidth(shown);
  const left = glyphs.line.repeat(Math.floor(fill / 2));
  const right = glyphs.line.repeat(fill - left.length);
  const [, , bottomLeft = '', bottomRight = ''] = glyphs.corners;
  return [
    ' '.repeat(from) + pen.paint(glyphs.up + ' '.repeat(span) + glyphs.bar, 'cyan'),
    ' '.repeat(from) + pen.paint(bottomLeft + left, 'cyan') + shown + pen.paint(right + bottomRight, 'cyan'),
  ];
}
