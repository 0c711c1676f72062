import { readFile } from 'node:fs/promises';
import type { SshdOptions } from './sshd.js';

export interface Account {
  /** Login shell. */
  shell?: string;
  /** What sudoers says of this user; nothing when absent. */
  sudo?: string;
}

/** Somebody called `jo` who is no user of this machine, but one to the sshd that is started with these files. */
export async function account({ shell = '/bin/sh', sudo }: Account): Promise<Required<Pick<SshdOptions, 'files'>>> {
  const [passwd, shadow] = await Promise.all(['/etc/passwd', '/etc/shadow'].map((path) => readFile(path, 'utf8')));
  return {
    files: {
      '/etc/passwd': `${passwd}jo:x:54321:65534::/nonexistent:${shell}\n`,
      '/etc/shadow': `${shadow}jo:*:20000:0:99999:7:::\n`,
      '/etc/sudoers': `Defaults use_pty\nroot ALL=(ALL) ALL\n${sudo === undefined ? '' : `jo ${sudo}\n`}`,
    },
  };
}

/** The same sshd with root's login shell changed. */
export async function rootShell(shell: string): Promise<Required<Pick<SshdOptions, 'files'>>> {
  const passwd = await readFile('/etc/passwd', 'utf8');
  return { files: { '/etc/passwd': passwd.replace(/^(root:.*):[^:]*$/m, (_, rest: string) => `${rest}:${shell}`) } };
}
