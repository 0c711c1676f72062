import { factOf } from '../path/world.js';
import type { BootFile, BootKind, FixStep, Snapshot } from '../types.js';
import { commandLine, quote } from './shell.js';
import { withFact } from './snapshot.js';

/** A file that a cure makes; nothing that is there is ever written over. */
export interface NewFile {
  path: string;
  lines: readonly string[];
  /** How the file is found again by what reads boot files. */
  as: { path: string; kind: BootKind };
}

/** One command that makes a file in a directory which it makes as well. With noclobber (`set -C`) it fails where the file is there. */
export function writeStep(host: string, { path, lines }: NewFile, why: string): FixStep {
  const directory = path.slice(0, path.lastIndexOf('/'));
  const print = commandLine('printf', '%s\\n', ...lines);
  return {
    host,
    kind: 'command',
    run: `mkdir -p ${quote(directory)} && (set -C; ${print} > ${quote(path)})`,
    undo: commandLine('rm', path),
    why,
  };
}

/** The first of PATH, PATH with `_2` … whose place is free: a file of that name may be there from earlier. `_` sorts behind the dot of `.conf`. */
export function freePath(snapshot: Snapshot, path: string): string {
  const taken = new Set(factOf(snapshot, 'bootConfiguration')?.files.map((file) => file.path));
  const dot = path.lastIndexOf('.');
  const names = Array.from({ length: 9 }, (_, i) => (i === 0 ? path : `${path.slice(0, dot)}_${i + 1}${path.slice(dot)}`));
  return names.find((name) => !taken.has(name)) ?? path;
}

export function bootFileOf({ as, lines }: NewFile): BootFile {
  return { ...as, lines: lines.map((text, i) => ({ line: i + 1, text })) };
}

/** The copy of a host whose next boot reads these files too. */
export function withBootFiles(snapshot: Snapshot, files: readonly BootFile[]): Snapshot {
  return withFact(snapshot, 'bootConfiguration', (boot) => ({ ...boot, files: [...boot.files, ...files] }));
}
