import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Host, Query, Reply } from '../../src/types.js';

/** This machine, asked without any transport: what the readers of facts see when nothing is in between. */
export const localHost: Host = async (query) => answer(query);

function answer(query: Query): Reply {
  if ('run' in query) return run(query.run);
  if ('glob' in query) return shell('for path in $1; do if [ -e "$path" ] || [ -L "$path" ]; then echo "$path"; fi; done', query.glob);
  if ('grep' in query) return shell('grep -sH -e "$2" $1; true', query.in, query.grep);
  return readEnd(query.read, query.lastBytes);
}

function run([program = '', ...args]: readonly string[]): Reply {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  if (error || status !== 0) return { ok: false, why: stderr || String(error), text: stdout ?? '' };
  return { ok: true, text: stdout, stderr };
}

function shell(script: string, ...args: readonly string[]): Reply {
  return run(['sh', '-c', script, 'sh', ...args]);
}

function readEnd(path: string, lastBytes?: number): Reply {
  try {
    const file = openSync(path, 'r');
    const { size } = fstatSync(file);
    const from = lastBytes === undefined ? 0 : Math.max(0, size - lastBytes);
    const chunks: Buffer[] = [];
    for (let position = from; ; ) {
      const chunk = Buffer.alloc(65536);
      const length = readSync(file, chunk, 0, chunk.length, size === 0 ? null : position);
      if (length === 0) break;
      chunks.push(chunk.subarray(0, length));
      position += length;
    }
    closeSync(file);
    return { ok: true, text: Buffer.concat(chunks).toString(), stderr: '' };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : 'unreadable' };
  }
}
