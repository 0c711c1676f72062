/** A path as nginx completes it (ngx_get_full_name): appended to the directory, not normalised. */
export function absolutePath(directory: string, path: string): string {
  if (path.startsWith('/')) return path;
  return directory.endsWith('/') ? directory + path : `${directory}/${path}`;
}

/** Whether nginx takes an include for a shell pattern (ngx_conf_include). */
export function isGlob(path: string): boolean {
  return /[*?[]/.test(path);
}

/** Directory of a file, without a trailing slash except for the root. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}
