import type { Diagnosis, FixStep } from '../../types.js';
import { sanitize } from '../sanitize.js';

/** What is known of a host besides its cures. */
export interface ScriptHost {
  /** Addresses that tell it from other hosts; without any the script runs everywhere. */
  addresses: readonly string[];
  /** The text of a file of nginx's configuration when the host was asked. */
  textOf(file: string): string | undefined;
}

/** A script stops where the value is neither. */
interface SysctlChange {
  name: string;
  before: string;
  after: string;
}

interface Place {
  /** From 1, within the host. */
  number: number;
  cause: string;
  why: string;
}

export type Planned = Place &
  (
    | { kind: 'command'; run: string; undo?: string; nginx?: 'reload' | 'restart'; persist?: string; sysctl?: SysctlChange }
    | { kind: 'edit'; how: 'replace' | 'insert'; file: string; line: number; old: string; new: string; copy: string }
    | { kind: 'hand'; text: string }
  );

/** The steps of one host in their order. A step that a script cannot do safely is left to a person's hands. */
export function planSteps(host: string, diagnoses: readonly Diagnosis[], known: ScriptHost | undefined, stamp: string): Planned[] {
  const steps = diagnoses.flatMap(({ cause, fix }) => fix.filter((step) => step.host === host).map((step) => ({ cause, step })));
  const files = new Map<string, string[] | undefined>();
  const linesOf = (file: string) => {
    if (!files.has(file)) files.set(file, known?.textOf(file)?.split('\n'));
    return files.get(file);
  };
  return steps.map(({ cause, step }, i) => {
    const place = { number: i + 1, cause, why: step.why };
    return step.kind === 'command' ? planCommand(place, step) : planEdit(place, step, linesOf(step.file), stamp);
  });
}

const sysctlCommand = /^sysctl -w ([\w./-]+)=(\d+)(?: |$)/;

function planCommand(place: Place, { run, undo, persist }: FixStep & { kind: 'command' }): Planned {
  if (!run.split('\n').every(isPlain)) return { ...place, kind: 'hand', text: `a command with characters that cannot be shown: ${run}` };
  const [, name = '', after = ''] = sysctlCommand.exec(run) ?? [];
  const [, same, before = ''] = sysctlCommand.exec(undo ?? '') ?? [];
  return {
    ...place,
    kind: 'command',
    run,
    ...renewing(run),
    ...(undo?.split('\n').every(isPlain) ? { undo } : {}),
    ...(persist === undefined ? {} : { persist }),
    ...(name !== '' && name === same ? { sysctl: { name, before, after } } : {}),
  };
}

/** What makes nginx read its files, which is done anew or needs no undo. */
function renewing(run: string): { nginx?: 'reload' | 'restart' } {
  if (/ -s reload$/.test(run)) return { nginx: 'reload' };
  return /^kill -QUIT \d+; /.test(run) ? { nginx: 'restart' } : {};
}

/** Carries the edit out on the lines as they are known, so that the next one is told by what it will find. */
function planEdit(place: Place, step: FixStep & { kind: 'edit' }, lines: string[] | undefined, stamp: string): Planned {
  const { file, line, remove, insert } = step;
  const old = lines?.[line - 1];
  const isLine = old !== undefined && (old !== '' || line < (lines?.length ?? 0));
  if (!lines || !isLine || (remove !== null && !old.includes(remove))) return byHand(place, step);
  const changed = remove === null ? (insert ?? '') : old.replace(remove, () => insert ?? '');
  if (![file, old, changed].every(isPlain) || !file.startsWith('/')) return byHand(place, step);
  lines.splice(line - 1, 1, ...(remove === null ? [changed, old] : [changed]));
  const copy = file.replace(/[^/]*$/, (base) => `.${base}.before-${stamp}-${place.number}`);
  return { ...place, kind: 'edit', how: remove === null ? 'insert' : 'replace', file, line, old, new: changed, copy };
}

function byHand(place: Place, { file, line, remove, insert }: FixStep & { kind: 'edit' }): Planned {
  const change = remove === null ? `put before it: ${insert ?? ''}` : `replace: ${remove}\nby: ${insert ?? ''}`;
  return { ...place, kind: 'hand', text: `edit ${file}, line ${line}\n${change}` };
}

/** One line that a person sees as it is. U+FFFD stands for bytes that are no UTF-8: the file has others there. */
function isPlain(text: string): boolean {
  const visible = text.replaceAll('\t', ' ');
  return visible.length <= 20_000 && !visible.includes('\ufffd') && sanitize(visible, { most: 20_000 }) === visible;
}
