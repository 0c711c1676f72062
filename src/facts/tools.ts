import type { Fact, Host } from '../types.js';
import { fromReply, known } from './fact.js';

const directories = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];
const patterns = ['*ip*tables*', 'nft', 'tc', 'sysctl'];

/** Which of the programs that a cure may name are installed. Looked up by name: nothing is run. */
export async function read(host: Host): Promise<Fact<readonly string[]>> {
  const globs = directories.flatMap((directory) => patterns.map((pattern) => ({ glob: `${directory}/${pattern}` })));
  const replies = await Promise.all(globs.map((query) => host(query)));
  const failed = replies.find((reply) => !reply.ok);
  if (failed && replies.every((reply) => !reply.ok)) return fromReply(failed, 'tools', parseTools);
  return known([...new Set(replies.flatMap((reply) => (reply.ok ? parseTools(reply.text) : [])))].sort());
}

/** Base names of paths, one a line. */
export function parseTools(text: string): string[] {
  return text
    .split('\n')
    .map((path) => path.slice(path.lastIndexOf('/') + 1))
    .filter((name) => name !== '');
}
