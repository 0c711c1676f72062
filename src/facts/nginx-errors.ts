import { parseErrorLine } from '../nginx/error-lines.js';
import type { Clock, ConfigFiles, ErrorLogLine, Fact, Host, NginxProcesses } from '../types.js';
import { known, unknown } from './fact.js';
import { type LogTail, readTails } from './nginx-logs.js';

/** As many of the most recent lines that matter as are kept. */
const mostLines = 2000;

/** Lines of the error logs' ends that tell of upstreams and privileges, oldest first. Unknown when there are logs and none can be read. */
export async function read(
  host: Host,
  nginx: NginxProcesses,
  configs: readonly ConfigFiles[],
  clock: Pick<Clock, 'utcOffsetSeconds'>,
): Promise<Fact<readonly ErrorLogLine[]>> {
  const { tails, unread } = await readTails(host, nginx, configs, 'errors');
  if (tails.length === 0 && unread.length > 0) return unknown(`error log: ${unread[0]}`);
  return known(newest(tails.flatMap((tail) => parseErrorLog(tail, clock.utcOffsetSeconds))));
}

/** The lines of one log that matter, in its order. Lines are counted only when the whole file was read. */
export function parseErrorLog({ master, file, text, whole }: LogTail, utcOffsetSeconds: number): readonly ErrorLogLine[] {
  return text.split('\n').flatMap((content, i) => {
    const line = parseErrorLine(content, utcOffsetSeconds);
    return line ? [{ master, ...line, source: whole ? { file, line: i + 1 } : { file } }] : [];
  });
}

function newest(lines: readonly ErrorLogLine[]): readonly ErrorLogLine[] {
  return lines.toSorted((a, b) => a.at - b.at).slice(-mostLines);
}
