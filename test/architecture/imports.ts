import { readdir, readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { type Layer, layers } from './layers.js';

/** Path from the project's directory → text. */
export type Sources = ReadonlyMap<string, string>;

const project = new URL('../../', import.meta.url);

export async function readSources(directories: readonly string[]): Promise<Sources> {
  const perDirectory = await Promise.all(
    directories.map(async (directory) => {
      const files = await readdir(new URL(`${directory}/`, project), { recursive: true });
      return files.filter((file) => file.endsWith('.ts')).map((file) => `${directory}/${file}`);
    }),
  );
  return new Map(
    await Promise.all(perDirectory.flat().map(async (path) => [path, await readFile(new URL(path, project), 'utf8')] as const)),
  );
}

/** `import … from 'x'`, `export … from 'x'` and `import 'x'` at the beginning of a line, `import('x')` anywhere. */
const statement = /(?:^(?:import|export)\s[^'"`;]*?\sfrom|^import|\bimport\()\s*['"`]([^'"`\n]*)/gm;

/** What a file imports or re-exports, statically or not: paths from the project's directory, with the ending of the source, and names of packages. */
export function importsOf(path: string, text: string): string[] {
  const named = [...text.matchAll(statement)].map(([, name = '']) => name);
  return named.map((name) => (name.startsWith('.') ? posix.join(posix.dirname(path), name).replace(/\.js$/, '.ts') : name));
}

export function layerOf(path: string): Layer | undefined {
  return layers.filter(({ of }) => path.startsWith(of)).sort((a, b) => b.of.length - a.of.length)[0];
}

/** `src/net/a.ts imports src/facts/b.ts: arithmetic on addresses knows no host` */
export function breaches(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) => {
    const layer = layerOf(path);
    if (!layer) return [`${path} belongs to no layer`];
    return importsOf(path, text)
      .filter((name) => !(sources.has(name) ? layer.may.some((start) => name.startsWith(start)) : layer.packages?.includes(name)))
      .map((name) => `${path} imports ${name}: ${layer.why}`);
  });
}

/** A file that imports itself over others, with those between. */
export function circle(sources: Sources): string[] | undefined {
  const done = new Set<string>();
  const visit = (path: string, above: readonly string[]): string[] | undefined => {
    if (above.includes(path)) return [...above.slice(above.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const name of importsOf(path, sources.get(path) ?? '')) {
      const found = sources.has(name) ? visit(name, [...above, path]) : undefined;
      if (found) return found;
    }
    done.add(path);
    return undefined;
  };
  for (const path of sources.keys()) {
    const found = visit(path, []);
    if (found) return found;
  }
  return undefined;
}
