import { logFiles } from '../nginx/log-files.js';
import { parseConfig } from '../nginx/parse.js';
import type { ConfigFiles, Host, NginxMaster, NginxProcesses } from '../types.js';

/** The end of a log: enough for what happened lately, and a log of 100 MB costs no more. */
const tailBytes = 256 << 10;

export interface LogTail {
  master: number;
  /** Path inside the master's root. */
  file: string;
  text: string;
  /** Whether the text is the whole file. */
  whole: boolean;
}

export interface Tails {
  tails: readonly LogTail[];
  /** Why others could not be read. */
  unread: readonly string[];
}

/** The ends of every master's error or access logs. Each file is read once, for the first master that names it. */
export async function readTails(
  host: Host,
  nginx: NginxProcesses,
  configs: readonly ConfigFiles[],
  which: 'errors' | 'accesses',
): Promise<Tails> {
  const wanted = nginx.masters.flatMap((master) => {
    const config = configs.find((files) => files.master === master.pid);
    return config ? logFiles(parseConfig(config).directives, master)[which].map((file) => ({ master, file })) : [];
  });
  const distinct = [...new Map(wanted.map((log) => [log.master.root + log.file, log])).values()];
  const read = await Promise.all(distinct.map(({ master, file }) => readTail(host, master, file)));
  return {
    tails: read.filter((tail) => typeof tail !== 'string'),
    unread: read.filter((tail) => typeof tail === 'string'),
  };
}

async function readTail(host: Host, master: NginxMaster, file: string): Promise<LogTail | string> {
  const reply = await host({ read: master.root + file, lastBytes: tailBytes });
  if (!reply.ok) return `${file}: ${reply.why}`;
  const whole = Buffer.byteLength(reply.text) < tailBytes && !reply.truncated;
  // The first line of a cut file is a fragment.
  const text = whole ? reply.text : reply.text.slice(reply.text.indexOf('\n') + 1);
  return { master: master.pid, file, text, whole };
}
