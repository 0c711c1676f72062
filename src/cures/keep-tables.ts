import { factOf } from '../path/world.js';
import type { BootFile, FirewallTable, FixStep, Snapshot } from '../types.js';
import { freePath } from './keep-files.js';
import type { Piece } from './piece.js';
import { commandLine, quote } from './shell.js';

export interface SavedTable {
  path: string;
  step: FixStep;
  file: BootFile;
}

const identifier = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Whole tables of nft as nft itself writes them. A table of which a file already has a part is left to a person: loaded twice, its rules would double. */
export function savedTables(snapshot: Snapshot, pieces: readonly Piece[]): SavedTable[] {
  const tables = pieces.flatMap((piece) => (piece.kind === 'firewall' && piece.table.source === 'nft' ? [piece.table] : []));
  return [...new Set(tables)]
    .filter((table) => identifier.test(table.name) && !isMentioned(snapshot, table))
    .map((table) => save(snapshot, table));
}

function isMentioned(snapshot: Snapshot, { family, name }: FirewallTable): boolean {
  const files = factOf(snapshot, 'bootConfiguration')?.files ?? [];
  const words = family === 'ip' ? [`table ip ${name}`, `table ${name}`] : [`table ${family} ${name}`];
  return files.some(
    ({ kind, lines }) => kind === 'nft' && lines.some(({ text }) => words.some((start) => `${text.trim()} `.startsWith(`${start} `))),
  );
}

function save(snapshot: Snapshot, { family, name, chains }: FirewallTable): SavedTable {
  const path = freePath(snapshot, `/etc/transparent-proxy-${family}-${name}.nft`);
  const lines = chains.flatMap(({ rules }) => rules.map(({ text }) => ({ text })));
  return {
    path,
    file: { path, kind: 'nft', lines },
    step: {
      host: snapshot.host,
      kind: 'command',
      run: `(set -C; ${commandLine('nft', 'list', 'table', family, name)} > ${quote(path)})`,
      undo: commandLine('rm', path),
      why: 'nft writes its table so that it can read it again',
    },
  };
}
