import type { Host } from '../types.js';
import { shellHost } from './shell-host.js';

export type Target = { kind: 'local' } | { kind: 'netns'; name: string } | { kind: 'file'; path: string };

/** A target that can be asked now. */
export type LiveTarget = Exclude<Target, { kind: 'file' }>;

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

/** The command that runs another one on a live host, in its namespaces. */
export function commandIn(target: LiveTarget, command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  return target.kind === 'local' ? command : ['nsenter', `--net=/run/netns/${target.name}`, '--', ...command];
}

/** A better reason than that of the program which failed to start `commandIn`. */
export function explainFailure(target: LiveTarget, why: string): string {
  if (target.kind !== 'netns' || !/^nsenter: .*No such file/.test(why)) return why;
  return `there is no network namespace "${target.name}" on this machine ("ip netns list" shows those there are)`;
}

/** A live host. `timeoutMs` bounds one batch of queries (default 20000). */
export function openHost(target: LiveTarget, { timeoutMs }: { timeoutMs?: number } = {}): Host {
  return shellHost((program) => commandIn(target, ['sh', '-c', program]), {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    explain: (why) => explainFailure(target, why),
  });
}
