import type { Host } from '../types.js';
import { shellHost } from './shell-host.js';

export type Target = { kind: 'local' } | { kind: 'netns'; name: string } | { kind: 'file'; path: string };

const nameForm = /^(?!-)[A-Za-z0-9._-]{1,64}$/;

/** What the user typed after `NAME=`; a text when it cannot be used. */
export function parseTarget(text: string): Target | { error: string } {
  if (text === 'local') return { kind: 'local' };
  if (text.startsWith('netns:')) {
    const name = text.slice('netns:'.length);
    if (!nameForm.test(name) || name === '.' || name === '..')
      return { error: `"${text}" names no network namespace: letters, digits, dots, - and _ are allowed` };
    return { kind: 'netns', name };
  }
  if (/^ssh:/i.test(text))
    return { error: `${text}: hosts are not reached over ssh yet; save a snapshot there with --save and name the file` };
  if (text === '' || text.includes('\0')) return { error: 'the target is empty: local, netns:NAME or a snapshot file' };
  return { kind: 'file', path: text };
}

/** A live host. `timeoutMs` bounds one batch of queries (default 20000). */
export function openHost(target: Exclude<Target, { kind: 'file' }>, { timeoutMs }: { timeoutMs?: number } = {}): Host {
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  if (target.kind === 'local') return shellHost((program) => ['sh', '-c', program], limit);
  const { name } = target;
  return shellHost((program) => ['nsenter', `--net=/run/netns/${name}`, '--', 'sh', '-c', program], {
    ...limit,
    explain: (why) =>
      /No such file/.test(why) ? `there is no network namespace "${name}" on this machine ("ip netns list" shows those there are)` : why,
  });
}
