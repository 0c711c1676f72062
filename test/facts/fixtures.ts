import { readFileSync } from 'node:fs';

/** Releases whose own iproute2 (5.9, 6.1, 6.15) printed the outputs of one namespace, set up alike, on kernel 6.18. */
export const releases = ['debian-11', 'debian-12', 'debian-13'] as const;

export function fixture(path: string): string {
  return readFileSync(new URL(`fixtures/${path}`, import.meta.url), 'utf8');
}
