import { beforeAll, describe, expect, it } from 'vitest';
import { breaches, circle, importsOf, layerOf, readSources, type Sources } from './imports.js';
import { layers, longFiles, mostLines } from './layers.js';

let sources: Sources;
let all: Sources;
beforeAll(async () => {
  sources = await readSources(['src', 'checks', 'rules']);
  all = new Map([...sources, ...(await readSources(['test']))]);
});

/** The project with one more file in it. */
function withFile(path: string, text: string): Sources {
  return new Map([...sources, [path, text]]);
}

describe('layers', () => {
  it('import only what they may', () => {
    expect(breaches(sources)).toEqual([]);
  });

  it('are all inhabited, and allow nothing that is not used', () => {
    for (const layer of layers) {
      const used = [...sources].filter(([path]) => layerOf(path) === layer).flatMap(([path, text]) => importsOf(path, text));
      expect({ layer: layer.of, inhabited: [...sources.keys()].some((path) => layerOf(path) === layer) }).toEqual({
        layer: layer.of,
        inhabited: true,
      });
      for (const name of layer.packages ?? []) expect(used).toContain(name);
    }
  });

  it.each([
    ['src/net/wrong.ts', "import { known } from '../facts/fact.js';"],
    ['src/path/wrong.ts', "import type { Host } from '../host/target.js';"],
    ['src/path/legs/wrong.ts', "import {\n  a,\n  b,\n} from '../../engine/case.js';"],
    ['src/nginx/wrong.ts', "const { readFile } = await import('node:fs/promises');"],
    ['checks/proxy/wrong.ts', "export * from '../../src/cures/shell.js';"],
    ['checks/proxy/wrong.ts', "import other from '../dsr/no-transparent-bind.js';"],
    ['src/cures/wrong.ts', "import { read } from '../facts/routes.js';"],
    ['src/engine/wrong.ts', "import 'node:child_process';"],
    ['src/commands/wrong.ts', "import { main } from '../cli.js';"],
    ['src/facts/wrong.ts', "import { openHost } from '../host/target.js';"],
    ['src/somewhere/else.ts', ''],
  ])('are told from a wrong import: %s, %s', (path, text) => {
    expect(breaches(withFile(path, text)).filter((breach) => breach.startsWith(`${path} `))).toHaveLength(1);
  });
});

describe('files', () => {
  it('never import themselves over others', () => {
    expect(circle(sources)).toBeUndefined();
    const text = sources.get('src/net/address.ts') ?? '';
    expect(circle(withFile('src/net/address.ts', `${text}\nimport './prefix.js';`))).toEqual(
      expect.arrayContaining(['src/net/address.ts', 'src/net/prefix.ts']),
    );
  });

  it('have a readable length', () => {
    const long = [...all].filter(([, text]) => text.split('\n').length > mostLines).map(([path]) => path);
    expect(long.filter((path) => !Object.hasOwn(longFiles, path))).toEqual([]);
    expect(Object.keys(longFiles).filter((path) => !long.includes(path))).toEqual([]);
  });
});
