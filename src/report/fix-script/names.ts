/**
 * A file name for each host. Nothing of a host's name can leave the directory, look like an option or hide, and no two hosts share a file, not even
 * where letters have no case.
 */
export function fileNames(hosts: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const host of hosts) {
    const base = host
      .slice(0, 64)
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .replace(/^[.-]+/, '_');
    const plain = base === '' ? 'host' : base;
    let name = `${plain}.sh`;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${plain}-${n}.sh`;
    taken.add(name.toLowerCase());
    names.set(host, name);
  }
  return names;
}
