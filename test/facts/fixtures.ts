import { readFileSync } from 'node:fs';
import type { Host, Query } from '../../src/types.js';

/** Releases whose own iproute2 (5.9, 6.1, 6.15) printed the outputs of one namespace, set up alike, on kernel 6.18. */
export const releases = ['debian-11', 'debian-12', 'debian-13'] as const;

export function fixture(path: string): string {
  return readFileSync(new URL(`fixtures/${path}`, import.meta.url), 'utf8');
}

/** A host that has these files and nothing else; `grep` gives a file whole. */
export function hostWith(files: Record<string, string>): Host {
  const pathOf = (query: Query) =>
    'read' in query ? query.read : 'grep' in query ? query.in : 'glob' in query ? query.glob : (query.run.at(-1) ?? '');
  return async (query) => {
    const text = files[pathOf(query)];
    if (text === undefined) return 'glob' in query ? { ok: true, text: '', stderr: '' } : { ok: false, why: 'No such file or directory' };
    return { ok: true, text, stderr: '' };
  };
}
