import { readdir } from 'node:fs/promises';

/**
 * The modules below a directory by their ids (path without ending), sorted; none when there is no such directory.
 * The build puts in this module's place one that holds all of them: reading ninety files one by one takes longer than a diagnosis.
 */
export async function modulesBelow(from: URL): Promise<Map<string, () => Promise<unknown>>> {
  const all = await readdir(from, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  // The sources are TypeScript; what is built from them has declarations and maps beside the code.
  const files = all.map((file) => file.replaceAll('\\', '/')).filter((file) => /\.[jt]s$/.test(file) && !file.endsWith('.d.ts'));
  const modules = files.map((file) => [file.slice(0, -'.ts'.length), () => import(new URL(encodeURI(file), from).href)] as const);
  return new Map(modules.sort(([a], [b]) => (a < b ? -1 : 1)));
}
