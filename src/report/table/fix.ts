import type { Diagnosis, FixStep } from '../../types.js';
import { hang, wrap } from '../layout.js';
import type { Pen } from '../style.js';
import { section } from './section.js';

/** The cure. Commands are never wrapped and stand without decoration, so that they can be copied. */
export function fix(d: Diagnosis, pen: Pen): string[] {
  if (d.fix.length === 0) {
    return section(
      'Cure',
      wrap(`No tested commands can be given here. How it is cured in general: tpdoctor explain ${d.cause}`, pen.width - 5),
      pen,
    );
  }
  const persist = [...new Set(d.fix.flatMap((step) => (step.kind === 'command' && step.persist !== undefined ? [step.persist] : [])))];
  return [
    ...byHost(d.fix).flatMap(({ host, items }) => section(`Cure: on ${host}, as root`, steps(items, pen), pen)),
    ...section(
      'Check that it worked',
      d.verify.flatMap((line) => command(line, pen)),
      pen,
    ),
    ...byHost(takenBack(d.fix, pen)).flatMap(({ host, items }) =>
      section(
        `Undo, if need be: on ${host}`,
        items.flatMap(({ lines }) => lines),
        pen,
      ),
    ),
    ...section(
      'Keep it over a reboot',
      persist.flatMap((advice) => hang(`${pen.glyphs.dot} `, advice, pen.width - 5)),
      pen,
    ),
  ];
}

/** Runs of neighbours on the same host: the order of the steps is part of the cure. */
function byHost<T extends { host: string }>(all: readonly T[]): { host: string; items: T[] }[] {
  const groups: { host: string; items: T[] }[] = [];
  for (const item of all) {
    const last = groups.at(-1);
    if (last?.host === item.host) last.items.push(item);
    else groups.push({ host: item.host, items: [item] });
  }
  return groups;
}

function steps(items: readonly FixStep[], pen: Pen): string[] {
  return items.flatMap((step, i) => {
    const repeated = step.why === items[i - 1]?.why;
    return [...(i > 0 && !repeated ? [''] : []), ...(repeated ? [] : comment(step.why, pen)), ...body(step, pen)];
  });
}

/** The last step first. What nginx read anew it reads once more when its files are as they were. */
function takenBack(fix: readonly FixStep[], pen: Pen): { host: string; lines: string[] }[] {
  const edited = new Set(fix.flatMap((step) => (step.kind === 'edit' ? [step.host] : [])));
  const back = fix.toReversed().map((step) => ({ host: step.host, lines: contrary(step, pen) }));
  const again = fix.flatMap((step) =>
    step.kind === 'command' && / -s reload$/.test(step.run) && edited.has(step.host) ? [{ host: step.host, lines: [step.run] }] : [],
  );
  return [...back, ...again].filter(({ lines }) => lines.length > 0);
}

function contrary(step: FixStep, pen: Pen): string[] {
  if (step.kind === 'command') return step.undo?.split('\n') ?? [];
  const { remove, insert } = step;
  const line = `${step.file}:${step.line}${remove === null ? ' (take the line out)' : ''}`;
  return [line, ...diff('-', insert || null, pen), ...diff('+', remove, pen)];
}

function comment(text: string, pen: Pen): string[] {
  return wrap(text, pen.width - 7).map((line) => pen.paint(`# ${line}`, 'dim'));
}

function body(step: FixStep, pen: Pen): string[] {
  if (step.kind === 'command') return command(step.run, pen);
  return [
    `${pen.paint(`${step.file}:${step.line}`, 'bold')}${step.remove === null ? ' (new line before it)' : ''}`,
    ...diff('-', step.remove, pen),
    ...diff('+', step.insert, pen),
  ];
}

function command(text: string, pen: Pen): string[] {
  return text.split('\n').map((line) => pen.paint(line, 'green'));
}

function diff(sign: '-' | '+', text: string | null, pen: Pen): string[] {
  return text === null || (sign === '+' && text === '')
    ? []
    : text.split('\n').map((line) => pen.paint(`${sign} ${line}`, sign === '-' ? 'red' : 'green'));
}
