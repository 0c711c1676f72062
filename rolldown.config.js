import { readdirSync } from 'node:fs';

/** Directories of the catalogue. */
const kinds = ['checks', 'rules'];

/** `src/engine/modules.ts` finds the catalogue by reading directories; in the built program it has been found already, and is one file. */
const catalogue = {
  name: 'catalogue',
  resolveId: { filter: { id: /^virtual:/ }, handler: (id) => id },
  load: {
    filter: { id: /\/src\/engine\/modules\.ts$|^virtual:every-check-and-rule$/ },
    handler: (id) => (id === 'virtual:every-check-and-rule' ? [...kinds.flatMap(importsOf), ...kinds.map(mapOf)].join('\n') : lookUp),
  },
};

const lookUp = `export const modulesBelow = async (from) => (await import('virtual:every-check-and-rule'))[from.pathname.split('/').at(-2)];`;

function idsOf(kind) {
  const files = readdirSync(kind, { recursive: true }).filter((file) => file.endsWith('.ts'));
  return files.map((file) => file.slice(0, -'.ts'.length)).sort();
}

function importsOf(kind) {
  return idsOf(kind).map((id, index) => `import * as ${kind}${index} from ${JSON.stringify(`${import.meta.dirname}/${kind}/${id}.ts`)};`);
}

function mapOf(kind) {
  return `export const ${kind} = new Map([${idsOf(kind).map((id, index) => `[${JSON.stringify(id)}, async () => ${kind}${index}]`)}]);`;
}

/** The program in a few files: node takes longer to find and open 300 modules than to run them. */
export default {
  input: { tpdoctor: 'src/cli.ts', 'pcap-child': 'src/capture/pcap-child.ts', 'read-thread': 'src/capture/files/read-thread.ts' },
  platform: 'node',
  plugins: [catalogue],
  resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
  output: { dir: 'dist/program', format: 'esm', chunkFileNames: '[name].js', sourcemap: true },
};
