import { wrap } from './layout.js';
import type { Pen } from './style.js';

/** What a list says of one entry of the catalogue. */
export interface Listed {
  kind: 'cause' | 'check';
  id: string;
  title: string;
}

const headings = { cause: 'Causes: what a diagnosis can name', check: 'Checks: what should be true of a host' };

/** From the outside in, as the catalogue is thought of; an area that is not named here comes last. */
const areas: ReadonlyMap<string, string> = new Map([
  ['nginx', "nginx's configuration"],
  ['worker', "nginx's processes"],
  ['proxy', "nginx's host"],
  ['upstream', 'the upstream hosts'],
  ['dsr', 'Direct Server Return'],
  ['network', 'between the hosts'],
]);

/** Entries by kind and area, an id and its title on a line; the title goes below where both have no room. */
export function renderContents(entries: readonly Listed[], pen: Pen): string {
  const indent = Math.min(44, Math.max(0, ...entries.map(({ id }) => id.length)) + 4);
  const groups = (['cause', 'check'] as const).flatMap((kind) => {
    const members = entries.filter((entry) => entry.kind === kind);
    return members.length > 0 ? [pen.paint(headings[kind], 'bold'), ...byArea(members).flatMap((area) => lay(area, indent, pen)), ''] : [];
  });
  return `${[...groups, 'tpdoctor explain ID tells more about one of them.'].join('\n')}\n`;
}

interface Area {
  name: string;
  members: readonly Listed[];
}

function byArea(entries: readonly Listed[]): Area[] {
  const names = [...new Set([...areas.keys(), ...entries.map(areaOf)])];
  return names
    .map((name) => ({ name, members: entries.filter((entry) => areaOf(entry) === name) }))
    .filter(({ members }) => members.length > 0);
}

export function areaOf({ id }: Pick<Listed, 'id'>): string {
  return id.split('/')[0] ?? '';
}

function lay({ name, members }: Area, indent: number, pen: Pen): string[] {
  const about = areas.get(name);
  return [
    '',
    ` ${pen.paint(name, 'bold', 'cyan')}${about === undefined ? '' : pen.paint(`  ${about}`, 'dim')}`,
    ...members.flatMap((entry) => line(entry, indent, pen)),
  ];
}

function line({ id, title }: Listed, indent: number, pen: Pen): string[] {
  const [first = '', ...others] = wrap(title, pen.width - indent);
  const rest = others.map((text) => ' '.repeat(indent) + text);
  const name = `  ${pen.paint(id, 'cyan')}`;
  return id.length + 4 <= indent
    ? [name + ' '.repeat(indent - 2 - id.length) + first, ...rest]
    : [name, ' '.repeat(indent) + first, ...rest];
}
