import type { ClockOffset, PointCount, Trace } from '../../types.js';
import { columns } from '../columns.js';
import { hang, shorten } from '../layout.js';
import { mark } from '../marks.js';
import type { Pen } from '../style.js';

/** What the story rests on: packets at each point, and how far the hosts' clocks are apart. */
export function captured(trace: Trace, pen: Pen): string[] {
  return [...points(trace.points, pen), ...clocks(trace.clocks, pen)];
}

const mostPoints = 40;

/** All points in a few lines; one that dropped packets has a line of its own, since no loss is concluded from it. */
function points(all: readonly PointCount[], pen: Pen): string[] {
  const shown = pen.verbosity === 'verbose' ? all : all.slice(0, mostPoints);
  const left = all.length - shown.length;
  const texts = shown.map((point) => `${nameOf(point, pen)} ${point.packets}`);
  const parts = [...texts, ...(left > 0 ? [`${left} more with --verbose`] : [])];
  const dropping = all
    .filter(({ dropped }) => dropped > 0)
    .flatMap((point) => {
      const [first = '', ...others] = hang(
        '   ',
        `${nameOf(point, pen)} missed ${point.dropped} packets: what it did not see may have passed all the same`,
        pen.width,
      );
      return [` ${mark('warn', pen)}${first.slice(2)}`, ...others];
    });
  return all.length > 0 ? ['', pen.paint('Captured packets', 'bold'), ...columns([[' ', parts]], pen), ...dropping] : [];
}

function nameOf({ host, iface }: PointCount, pen: Pen): string {
  return `${shorten(host, 40, pen.glyphs.cut)} ${shorten(iface, 20, pen.glyphs.cut)}`;
}

/** Below this a reader of two logs side by side sees no difference, in microseconds. */
const mattersUs = 1000;

function clocks(all: readonly ClockOffset[], pen: Pen): string[] {
  const shown = pen.verbosity === 'verbose' ? all : all.filter(({ offsetUs }) => Math.abs(offsetUs) > mattersUs);
  const lines = shown.map(({ host, offsetUs, boundUs }) => {
    const name = shorten(host, 40, pen.glyphs.cut);
    const apart =
      Math.abs(offsetUs) <= boundUs
        ? 'agrees with the first host’s'
        : `is ${spell(Math.abs(offsetUs), pen)} ${offsetUs > 0 ? 'ahead of' : 'behind'} the first host’s`;
    return hang(
      ` ${pen.glyphs.dot} `,
      `the clock of ${name} ${pen.unicode ? apart : apart.replaceAll('’', "'")}, within ${spell(boundUs, pen)}; times above are corrected by it`,
      pen.width,
    );
  });
  return lines.length > 0 ? ['', pen.paint('Clocks', 'bold'), ...lines.flat()] : [];
}

function spell(us: number, pen: Pen): string {
  if (us < 1000) return `${Math.round(us)} ${pen.unicode ? 'µ' : 'u'}s`;
  return us < 1_000_000 ? `${(us / 1000).toFixed(3)} ms` : `${(us / 1_000_000).toFixed(3)} s`;
}
