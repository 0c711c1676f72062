import type { Surroundings } from '../../src/cli.js';
import { main } from '../../src/cli.js';

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Runs a command line in this process and collects what it prints. */
export async function run(...argv: string[]): Promise<Ran> {
  const printed = { out: '', err: '' };
  const io: Surroundings = {
    stdout: {
      columns: 80,
      write: (text) => {
        printed.out += text;
      },
    },
    stderr: {
      write: (text) => {
        printed.err += text;
      },
    },
    env: { LANG: 'C.UTF-8' },
  };
  return { code: await main(argv, io), ...printed };
}
