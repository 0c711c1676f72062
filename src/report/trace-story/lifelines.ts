import type { CapturePoint, TracePattern } from '../../types.js';
import { displayWidth, shorten } from '../layout.js';
import type { Pen } from '../style.js';
import { Canvas } from './canvas.js';
import { mostEndpoint } from './endpoint.js';
import { type Hop, isAt } from './hops.js';

/** A vertical line of a drawing: an interface of a host. */
export interface Lifeline extends CapturePoint {
  column: number;
}

/** Where time stands, and a blank. */
export const timeWidth = 13;

const leastWire = 8;
const mostWire = 30;
const leastInside = 8;
/** Length of an arrow that comes from or goes where nothing was captured. */
export const stub = 14;
const mostName = 14;

interface Host {
  name: string;
  ifaces: string[];
}

/** Hosts in the order in which packets came to them, each interface a column; nothing where the terminal is too narrow. */
export function lifelinesOf(pattern: TracePattern, hops: readonly Hop[], width: number): Lifeline[] | undefined {
  const hosts = hostsOf(pattern);
  const points = hosts.flatMap(({ name, ifaces }) => ifaces.map((iface) => ({ host: name, iface })));
  const gaps = points.slice(1).map((point, i) => insideGap(points[i], point, hosts));
  const wires = gaps.filter((gap) => gap === undefined).length;
  const [left, right] = margins(hops, points, hosts);
  const fixed = gaps.reduce<number>((sum, gap) => sum + (gap ?? 0), timeWidth + left + right + 1);
  const wire = wires === 0 ? 0 : Math.min(mostWire, Math.floor((width - fixed) / wires));
  if (points.length === 0 || width - timeWidth < mostEndpoint + 2 || width < fixed || (wires > 0 && wire < leastWire)) return undefined;
  let column = timeWidth + left;
  return points.map((point, i) => {
    if (i > 0) column += gaps[i - 1] ?? wire;
    return { ...point, column };
  });
}

function hostsOf({ path, neverSeenBy }: TracePattern): Host[] {
  const hosts: Host[] = [];
  for (const { host, iface } of [...path, ...(neverSeenBy ? [neverSeenBy] : [])]) {
    const known = hosts.find(({ name }) => name === host);
    if (!known) hosts.push({ name: host, ifaces: [iface] });
    else if (!known.ifaces.includes(iface)) known.ifaces.push(iface);
  }
  return hosts;
}

/** Between two interfaces of one host, wide enough for their names and the host's; undefined between hosts. */
function insideGap(a: CapturePoint | undefined, b: CapturePoint, hosts: readonly Host[]): number | undefined {
  if (a?.host !== b.host) return undefined;
  const labels = Math.ceil((shown(a.iface) + shown(b.iface)) / 2) + 2;
  const inside = (hosts.find(({ name }) => name === b.host)?.ifaces.length ?? 2) - 1;
  const name = Math.ceil((Math.min(displayWidth(b.host), mostName) + 6) / inside);
  return Math.max(leastInside, labels, name);
}

const shown = (text: string): number => Math.min(displayWidth(text), mostName);

/** Room beside the outermost lines for half a name, or for a packet that comes from or goes where nothing was captured. */
function margins(hops: readonly Hop[], points: readonly CapturePoint[], hosts: readonly Host[]): [number, number] {
  const label = (point: CapturePoint | undefined) => {
    const isAlone = hosts.find(({ name }) => name === point?.host)?.ifaces.length === 1;
    return Math.ceil(Math.max(shown(point?.iface ?? ''), isAlone ? shown(point?.host ?? '') : 0) / 2);
  };
  const loose = (point: CapturePoint | undefined, toLeft: boolean) =>
    hops.some((hop) => {
      const step = hop.sent && hop.seen ? undefined : (hop.sent ?? hop.seen);
      return step !== undefined && point !== undefined && isAt(step, point) && goesLeft(hop) === toLeft;
    });
  const [first, last] = [points[0], points.at(-1)];
  return [Math.max(label(first), loose(first, true) ? stub : 0), Math.max(label(last), loose(last, false) ? stub : 0)];
}

/** Whether the unknown end of a hop of which one end was seen lies to the left. */
export function goesLeft({ sent, way }: Hop): boolean {
  return (sent === undefined) === (way === 'there');
}

/** Names of hosts, with a bracket over their interfaces where there are several, and the interfaces below. */
export function heading(lines: readonly Lifeline[], pen: Pen): string[] {
  const [names, ifaces] = [new Canvas(), new Canvas()];
  const [cornerLeft = '', cornerRight = ''] = pen.glyphs.corners;
  const most = Math.min(mostName, ...lines.slice(1).map(({ column }, i) => column - (lines[i]?.column ?? 0) - 1));
  for (const host of new Set(lines.map((line) => line.host))) {
    const columns = lines.filter((line) => line.host === host).map(({ column }) => column);
    const [from = 0, to = 0] = [columns[0], columns.at(-1)];
    if (to > from) names.put(from, cornerLeft + pen.glyphs.line.repeat(to - from - 1) + cornerRight, 'dim');
    const name = to > from ? ` ${shorten(host, to - from - 5, pen.glyphs.cut)} ` : shorten(host, most, pen.glyphs.cut);
    names.put(Math.ceil((from + to - displayWidth(name)) / 2), name, 'bold');
  }
  for (const { column, iface } of lines) {
    const name = shorten(iface, most, pen.glyphs.cut);
    ifaces.put(column - Math.floor((displayWidth(name) - 1) / 2), name, 'dim');
  }
  return [names.toLine(pen), ifaces.toLine(pen)];
}
