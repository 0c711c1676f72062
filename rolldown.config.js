import { readdirSync } from 'node:fs';

/** Directories of the catalogue. */
const kinds = ['checks', 'rules'];

/** `src/engine/modules.ts` finds the catalogue by reading directories; in the built program it has been found already. */
const catalogue = {
  name: 'catalogue',
  load: {
    filter: { id: /\/src\/engine\/modules\.ts$/ },
    handler: () => [...kinds.flatMap(importsOf), `const modules = { ${kinds.map(mapOf).join(', ')} };`, lookUp].join('\n'),
  },
};

const lookUp = `export const modulesBelow = async (from) => modules[from.pathname.split('/').at(-2)];`;

function idsOf(kind) {
  const files = readdirSync(kind, { recursive: true }).filter((file) => file.endsWith('.ts'));
  return files.map((file) => file.slice(0, -'.ts'.length)).sort();
}

function importsOf(kind) {
  return idsOf(kind).map((id, index) => `import * as ${kind}${index} from ${JSON.stringify(`../../${kind}/${id}.ts`)};`);
}

function mapOf(kind) {
  return `${kind}: new Map([${idsOf(kind).map((id, index) => `[${JSON.stringify(id)}, async () => ${kind}${index}]`)}])`;
}

/** The program in a few files: node takes longer to find and open 300 modules than to run them. */
export default {
  input: { tpdoctor: 'src/cli.ts' },
  platform: 'node',
  plugins: [catalogue],
  resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
  output: { dir: 'dist/program', format: 'esm', chunkFileNames: '[name].js', sourcemap: true },
};
