import type { At, ConfigFiles, ConfigProblem, Directive, ParsedConfig } from '../types.js';
import { Lexer } from './lexer.js';
import { absolutePath, isGlob } from './paths.js';

/** What the files at hand refer to without being it; to be fetched before the next try. */
export interface Missing {
  files: string[];
  globs: string[];
}

/** Bounds that no sane configuration reaches: directives after inclusion, blocks and includes within each other, bytes. */
export const limits = { directives: 200_000, depth: 64, fileBytes: 4 << 20, totalBytes: 64 << 20 } as const;

interface Reading {
  readonly files: ConfigFiles;
  readonly problems: ConfigProblem[];
  readonly missingFiles: Set<string>;
  readonly missingGlobs: Set<string>;
  directivesLeft: number;
  bytesLeft: number;
}

/** Where the reader is: the file, the files that include it, and how many blocks and files are open. */
interface Place {
  readonly file: string;
  readonly openFiles: readonly string[];
  readonly depth: number;
  readonly data: boolean;
}

/**
 * Parses the main file and, in place of each `include`, what it names: once per including context, as nginx does.
 * Pure; never throws on any text. After an error the rest of that file is left out, for nginx would not start with it either.
 */
export function parseConfig(files: ConfigFiles): ParsedConfig & { missing: Missing } {
  const reading: Reading = {
    files,
    problems: [],
    missingFiles: new Set(),
    missingGlobs: new Set(),
    directivesLeft: limits.directives,
    bytesLeft: limits.totalBytes,
  };
  const directives = readFile(
    reading,
    files.main,
    { file: files.main, line: 1, column: 1 },
    { file: '', openFiles: [], depth: 0, data: false },
  );
  return { directives, problems: reading.problems, missing: { files: [...reading.missingFiles], globs: [...reading.missingGlobs] } };
}

function readFile(reading: Reading, path: string, from: At, place: Place): Directive[] {
  const problem = (kind: ConfigProblem['kind'], message: string): Directive[] => {
    reading.problems.push({ at: from, message, kind });
    return [];
  };
  if (place.openFiles.includes(path)) return problem('fatal', `${path} includes itself`);
  if (place.depth >= limits.depth) return problem('unread', `${path}: more than ${limits.depth} blocks and files within each other`);
  const file = Object.hasOwn(reading.files.files, path) ? reading.files.files[path] : undefined;
  if (!file) {
    reading.missingFiles.add(path);
    return [];
  }
  if (!file.ok)
    return problem(
      /no such file|not found|enoent/i.test(file.why) ? 'fatal' : 'unread',
      file.why.includes(path) ? file.why : `${path}: ${file.why}`,
    );
  if (file.text.length > limits.fileBytes) return problem('unread', `${path}: larger than ${limits.fileBytes} bytes`);
  reading.bytesLeft -= file.text.length;
  if (reading.bytesLeft < 0) return problem('unread', `${path}: the configuration is larger than ${limits.totalBytes} bytes`);
  const inside: Place = { ...place, file: path, openFiles: [...place.openFiles, path], depth: place.depth + 1 };
  return readBlock(reading, new Lexer(file.text), inside, 'file').directives;
}

/** Blocks whose lines are data: no block can be inside (ngx_conf_parse with a handler). */
const dataBlocks = new Set(['types', 'map', 'geo', 'split_clients', 'charset_map']);

interface Block {
  directives: Directive[];
  /** The block was read to its end; without it nothing after it can be trusted. */
  closed: boolean;
}

function readBlock(reading: Reading, lexer: Lexer, place: Place, until: '}' | 'file'): Block {
  const directives: Directive[] = [];
  const stop = (at: At, message: string, kind: ConfigProblem['kind'] = 'fatal'): Block => {
    reading.problems.push({ at, message, kind });
    return { directives, closed: false };
  };
  for (;;) {
    const statement = lexer.next();
    const at: At = { file: place.file, line: statement.line, column: statement.column };
    if (statement.end === 'error') return stop(at, statement.message);
    if (statement.end === '}' || statement.end === 'file') {
      if (statement.end === until) return { directives, closed: true };
      return stop(at, statement.end === '}' ? 'unexpected "}"' : 'unexpected end of file, expecting "}"');
    }
    if (place.data && statement.end === '{') return stop(at, 'unexpected "{"');
    if (reading.directivesLeft-- <= 0) return stop(at, `more than ${limits.directives} directives`, 'unread');
    const [name = '', ...args] = statement.words;
    if (name === 'include' && args.length === 1) {
      if (statement.end === '{') return stop(at, 'directive "include" is not terminated by ";"');
      for (const included of include(reading, args[0] ?? '', at, place)) directives.push(included);
    } else if (statement.end === ';') {
      directives.push({ name, args, at });
    } else if (name.endsWith('_by_lua_block')) {
      const opaque = lexer.lua();
      if (opaque === undefined) return stop(at, 'Lua block without its closing "}"');
      directives.push({ name, args, at, opaque });
    } else {
      if (place.depth >= limits.depth) return stop(at, `more than ${limits.depth} blocks and files within each other`, 'unread');
      const block = readBlock(reading, lexer, { ...place, depth: place.depth + 1, data: dataBlocks.has(name) }, '}');
      directives.push({ name, args, at, block: block.directives });
      if (!block.closed) return { directives, closed: false };
    }
  }
}

function include(reading: Reading, written: string, at: At, place: Place): Directive[] {
  const path = absolutePath(reading.files.base, written);
  if (!isGlob(path)) return readFile(reading, path, at, place);
  // A pattern that matches nothing is fine with nginx; a plain path that does not exist is not.
  const matches = Object.hasOwn(reading.files.globs, path) ? reading.files.globs[path] : undefined;
  if (!matches) {
    reading.missingGlobs.add(path);
    return [];
  }
  return matches.flatMap((match) => readFile(reading, match, at, place));
}
