import type { Host, Reply } from '../types.js';

/** Names of all processes, one `/proc/PID/comm:NAME` a line. One question for all who look for some: it opens a file of every process. */
export function processNames(host: Host): Promise<Reply> {
  return host({ grep: '', in: '/proc/[0-9]*/comm' });
}
