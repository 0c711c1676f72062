import type { ConfigFiles } from '../../src/types.js';

/** A configuration of one main file, `/etc/nginx/nginx.conf`, and what it includes. */
export function filesOf(
  main: string,
  others: Readonly<Record<string, string>> = {},
  globs: Readonly<Record<string, readonly string[]>> = {},
): ConfigFiles {
  const all = Object.entries({ '/etc/nginx/nginx.conf': main, ...others });
  return {
    master: 1,
    main: '/etc/nginx/nginx.conf',
    prefix: '/usr/share/nginx',
    base: '/etc/nginx',
    files: Object.fromEntries(all.map(([path, text]) => [path, { ok: true, text, modifiedAt: 0 }])),
    globs,
  };
}
