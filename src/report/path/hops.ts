import type { Packet, ToldHop, ToldStep } from '../../types.js';
import { hang, wrap } from '../layout.js';
import { mark } from '../marks.js';
import type { Pen } from '../style.js';

const statuses = { ok: 'pass', broken: 'fail', unknown: 'unknown', unseen: 'skip' } as const;
const mostGrounds = 4;

/** Host by host: what comes in, what happens to it there, and the lines that decided. */
export function hops(all: readonly ToldHop[], pen: Pen): string[] {
  const widest = Math.max(0, ...all.flatMap(({ steps }) => steps.map(({ place }) => place.length)));
  let shown = '';
  return all.flatMap((hop) => {
    const link = hop.in === undefined ? '' : pen.paint(`, in on ${hop.in}`, 'dim');
    const lines = hop.steps.flatMap((each, i) => {
      const text = packet(each, pen);
      const isNews = text !== shown;
      shown = text;
      // The step that rewrites holds the packet as it has made it.
      const after = isNews && each.code === 'rewritten' && i > 0;
      const told = isNews ? [`     ${pen.paint(text, 'cyan')}`] : [];
      const lines = step(isRepeated(each.by, hop.steps[i - 1]?.by) ? { ...each, by: [] } : each, widest, pen);
      return after ? [...lines, ...told] : [...told, ...lines];
    });
    return ['', `   ${pen.paint(hop.host, 'bold')}${link}`, ...lines];
  });
}

/** The rule that lets a packet pass and the rewrite that it does are two steps. */
function isRepeated(by: ToldStep['by'], before: ToldStep['by'] = []): boolean {
  return by.length === before.length && by.every(({ what, source }, i) => before[i]?.what === what && before[i]?.source === source);
}

/** `─▶` as far as the terminal can show it. */
export function arrow({ glyphs }: Pen): string {
  return glyphs.line + glyphs.right;
}

function packet({ leg, packet: { source, sourcePort, destination, destinationPort, mark: value } }: ToldStep, pen: Pen): string {
  const marked = value === 0 ? '' : `, mark 0x${value.toString(16)}`;
  return `${leg}  ${endpoint(source, sourcePort)} ${arrow(pen)} ${endpoint(destination, destinationPort)}${marked}`;
}

function endpoint(address: string, port: Packet['sourcePort']): string {
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function step({ place, did, outcome, by }: ToldStep, widest: number, pen: Pen): string[] {
  const indent = ' '.repeat(widest + 9);
  const [first = '', ...others] = wrap(did, pen.width - indent.length);
  const strong = outcome === 'broken' ? (['red', 'bold'] as const) : outcome === 'unknown' ? (['yellow'] as const) : [];
  const shown = pen.verbosity === 'verbose' ? by : by.slice(0, mostGrounds);
  const more = by.length - shown.length;
  return [
    `     ${mark(statuses[outcome], pen)} ${place.padEnd(widest)}  ${pen.paint(first, ...strong)}`,
    ...others.map((line) => indent + pen.paint(line, ...strong)),
    ...shown.flatMap(({ what, source }) => ground(`${source}: ${what}`, indent, pen)),
    ...(more > 0 ? [indent + pen.paint(`${more} more with --verbose`, 'dim')] : []),
  ];
}

function ground(text: string, indent: string, pen: Pen): string[] {
  const [first = '', ...others] = hang('', text, pen.width - indent.length - 2);
  return [indent + pen.paint(first, 'dim'), ...others.map((line) => `${indent}  ${pen.paint(line, 'dim')}`)];
}
