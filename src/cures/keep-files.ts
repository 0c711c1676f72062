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

export function bootFileOf({ as, lines }: NewFile): BootFile {
  return { ...as, lines: lines.map((text, i) => ({ line: i + 1, text })) };
}

/** The copy of a host whose next boot reads these files too. */
export function withBootFiles(snapshot: Snapshot, files: readonly BootFile[]): Snapshot {
  return withFact(snapshot, 'bootConfiguration', (boot) => ({ ...boot, files: [...boot.files, ...files] }));
}
