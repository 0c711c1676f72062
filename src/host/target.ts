import type { Host, SshWords } from '../types.js';
import { shellHost } from './shell-host.js';
import { explainSsh } from './ssh/complaints.js';
import { connectionTo } from './ssh/connection.js';
import { parseDestination, type SshTarget, withWords } from './ssh/destination.js';

export type Target = { kind: 'local' } | { kind: 'netns'; name: string } | SshTarget | { kind: 'file'; path: string };

/** A target that can be asked now. */
export type LiveTarget = Exclude<Target, { kind: 'file' }>;

const nameForm = /^(?!-)[A-Za-z0-9._-]{1,64}$/;

/** What the user typed after `NAME=`, and what ssh is to be told beside it; a text when it cannot be used. */
export function parseTarget(text: string, ssh?: SshWords): Target | { error: string } {
  if (text === 'local') return { kind: 'local' };
  if (text.startsWith('netns:')) {
    const name = text.slice('netns:'.length);
    if (!nameForm.test(name) || name === '.' || name === '..')
      return { error: `"${text}" names no network namespace: letters, digits, dots, - and _ are allowed` };
    return { kind: 'netns', name };
  }
  if (/^ssh:/i.test(text)) {
    const destination = parseDestination(text);
    return 'error' in destination || ssh === undefined ? destination : withWords(destination, ssh);
  }
  if (text === '' || text.includes('\0'))
    return { error: 'the target is empty: local, ssh://HOST, netns:NAME, a snapshot file or a bundle' };
  return { kind: 'file', path: text };
}

/** The command that runs another one on a live host, in its namespaces; over ssh in the connection that `openHost` has made. */
export function commandIn(target: LiveTarget, command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  if (target.kind === 'local') return command;
  if (target.kind === 'ssh') return connectionTo(target).command(command);
  return ['nsenter', `--net=/run/netns/${target.name}`, '--', ...command];
}

/** One line, a better reason than what the program said that failed to start `commandIn`. */
export function explainFailure(target: LiveTarget, said: string): string {
  if (target.kind === 'ssh') return explainSsh(target, said);
  if (target.kind === 'netns' && /^nsenter: .*No such file/.test(said))
    return `there is no network namespace "${target.name}" on this machine ("ip netns list" shows those there are)`;
  return said.split('\n')[0]?.slice(0, 500) ?? '';
}

/** A live host. `timeoutMs` bounds one batch of queries (default 20000). */
export function openHost(target: LiveTarget, { timeoutMs }: { timeoutMs?: number } = {}): Host {
  return shellHost((program) => commandIn(target, ['sh', '-c', program]), {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(target.kind === 'ssh' ? { connection: connectionTo(target) } : {}),
    explain: (said) => explainFailure(target, said),
  });
}
