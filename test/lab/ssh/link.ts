import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SshAccess } from './sshd.js';

let links = 0;

const slowLinkProgram = fileURLToPath(new URL('../../../dist/test/lab/ssh/slow-link.js', import.meta.url));
const toSshd = 'nsenter --net=/run/netns/%h busybox nc 127.0.0.1 22';
const slowly = (roundMs: number, place: string): string => `${process.execPath} ${slowLinkProgram} ${roundMs} ${place}.%h ${toSshd}`;

/** A configuration whose connections all pass through one process each, which can be held up or killed like a link. */
export async function frailLink(
  access: SshAccess,
  roundMs = 0,
): Promise<{ config: string; cut(how: 'silently' | 'loudly'): Promise<void> }> {
  const place = join(access.directory, `link-${links++}`);
  const relay = `sh -c 'echo $$ >> ${place}.pids; exec ${roundMs > 0 ? slowly(roundMs, place) : toSshd}'`;
  await writeFile(`${place}.config`, [`ProxyCommand ${relay}`, `Include ${access.config}`, ''].join('\n'));
  return {
    config: `${place}.config`,
    cut: async (how) => {
      const pids = (await readFile(`${place}.pids`, 'utf8')).trim().split('\n').map(Number);
      // What is stopped keeps its connections open and passes nothing on.
      for (const pid of pids) process.kill(pid, how === 'silently' ? 'SIGSTOP' : 'SIGKILL');
    },
  };
}

/** A configuration whose connections take so many milliseconds for a round trip, and what counts the round trips to a host. */
export async function slowLink(
  access: SshAccess,
  roundMs: number,
): Promise<{ config: string; rounds(namespace: string): Promise<number> }> {
  const place = join(access.directory, `link-${links++}`);
  await writeFile(`${place}.config`, [`ProxyCommand ${slowly(roundMs, place)}`, `Include ${access.config}`, ''].join('\n'));
  return { config: `${place}.config`, rounds: async (namespace) => (await readFile(`${place}.${namespace}`)).length };
}
