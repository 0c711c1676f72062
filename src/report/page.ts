import { displayWidth, hang, wrap } from './layout.js';
import type { Colour, Pen } from './style.js';

/** A page about one entry of the catalogue, its texts fit for a terminal (see clean). */
export interface Page {
  id: string;
  /** `cause`, or `check on proxy`. */
  what: string;
  title: string;
  sections: readonly Section[];
}

export interface Section {
  heading: string;
  blocks: readonly Block[];
}

/** Prose, prose with a name before it, or a command that must stay whole to be copied. */
export type Block = { text: string } | { name: string; text: string } | { run: string };

/** A page for people. */
export function renderPage({ id, what, title, sections }: Page, pen: Pen): string {
  const name = pen.paint(id, 'bold', 'cyan');
  const first = displayWidth(`${id}  ${what}`) <= pen.width ? [`${name}  ${pen.paint(what, 'dim')}`] : [name, ...painted(what, pen, 'dim')];
  const lines = sections.flatMap(({ heading, blocks }) => ['', ...painted(heading, pen, 'bold', 'cyan'), ...lay(blocks, pen)]);
  return `${[...first, ...painted(title, pen, 'bold'), ...lines].join('\n')}\n`;
}

function painted(text: string, pen: Pen, ...colours: readonly Colour[]): string[] {
  return wrap(text, pen.width).map((line) => pen.paint(line, ...colours));
}

function lay(blocks: readonly Block[], pen: Pen): string[] {
  const widest = Math.max(0, ...blocks.map((block) => ('name' in block ? displayWidth(block.name) : 0)));
  return blocks.flatMap((block) => {
    if ('run' in block) return [`    ${pen.paint(block.run, 'green')}`];
    if (!('name' in block)) return hang('  ', block.text, pen.width);
    const [first = '', ...others] = hang(`  ${block.name.padEnd(widest)}  `, block.text, pen.width);
    return [first.replace(block.name, (name) => pen.paint(name, 'bold')), ...others];
  });
}
