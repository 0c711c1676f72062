import { hang, wrap } from './layout.js';
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

/** Where titles begin when they stand beside ids; they need some room there. */
const beside = 44;
const roomForTitle = 56;

/** Entries by kind and area: ids with their titles beside them, or below where that would squeeze them. */
export function renderContents(entries: readonly Listed[], pen: Pen): string {
  const groups = (['cause', 'check'] as const).flatMap((kind) => {
    const members = entries.filter((entry) => entry.kind === kind);
    return members.length > 0 ? [pen.paint(headings[kind], 'bold'), ...byArea(members).flatMap((area) => lay(area, pen)), ''] : [];
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

function lay({ name, members }: Area, pen: Pen): string[] {
  const about = areas.get(name);
  const heading = ` ${pen.paint(name, 'bold')}${about === undefined ? '' : pen.paint(`  ${about}`, 'dim')}`;
  return ['', heading, ...members.flatMap((entry) => lines(entry, pen))];
}

function lines({ id, title }: Listed, pen: Pen): string[] {
  const name = `   ${pen.paint(id, 'cyan')}`;
  if (pen.width - beside < roomForTitle || id.length + 5 > beside) return [name, ...hang('      ', title, pen.width)];
  const [first = '', ...others] = wrap(title, pen.width - beside);
  return [name + ' '.repeat(beside - 3 - id.length) + first, ...others.map((text) => ' '.repeat(beside) + text)];
}
