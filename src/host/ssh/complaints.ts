import { type SshTarget, textOf } from './destination.js';

/** What ssh, sudo or the shell there said, and what to do about it: one line. */
export function explainSsh(target: SshTarget, said: string): string {
  return `${textOf(target)}: ${said.split('\n')[0]?.slice(0, 500)}`;
}
