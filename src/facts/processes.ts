import type { Host, Reply } from '../types.js';

/** Names of all processes, one `/proc/PID/comm:NAME` a line. One question for all who look for some: it opens a file of every process. */
export function processNames(host: Host): Promise<Reply> {
  return host({ grep: '', in: '/proc/[0-9]*/comm' });
}

/** Whether a process is in the host's own network namespace: `unknown` where a link is not ours to read (no root), or it has ended. */
export type Whereabouts = 'here' | 'elsewhere' | 'unknown';

/** Asks for the network namespaces of these processes and of the host itself, by their inodes. */
export async function namespacesOf(host: Host, pids: readonly number[]): Promise<(pid: number) => Whereabouts> {
  // stat fails for a process that has ended, and still prints the others.
  const { text = '' } = await host({ run: ['stat', '-L', '-c', '%i %n', ...['self', ...pids].map((pid) => `/proc/${pid}/ns/net`)] });
  const inodes = new Map([...text.matchAll(/^(\d{1,20}) \/proc\/(\w+)\/ns\/net$/gm)].map(([, inode = '', pid = '']) => [pid, inode]));
  const own = inodes.get('self');
  return (pid) => {
    const its = inodes.get(String(pid));
    if (own === undefined || its === undefined) return 'unknown';
    return own === its ? 'here' : 'elsewhere';
  };
}

/** Where a process lives. One whose namespace cannot be told is taken to be here, if it has not ended since. */
export async function whereIs(host: Host, pid: number, seen: Whereabouts): Promise<'here' | 'elsewhere' | 'ended'> {
  if (seen !== 'unknown') return seen;
  const commandLine = await host({ read: `/proc/${pid}/cmdline` });
  return commandLine.ok && commandLine.text.replaceAll('\0', '') !== '' ? 'here' : 'ended';
}
