import type { ErrorKind, ErrorLogLine } from '../../src/types.js';
import { type Change, masterPid } from './article.js';
import { changeFact } from './change.js';
import { now } from './host.js';

/** A line in the error log of the proxy's nginx, written `ago` seconds before the snapshot was taken. */
export function logLine(kind: ErrorKind, ago: number, rest: Partial<ErrorLogLine> = {}): Change {
  const line: ErrorLogLine = {
    master: masterPid,
    at: now - ago,
    kind,
    source: { file: '/var/log/nginx/error.log', line: 12 },
    text: `[crit] 701#701: *5 ${kind} while connecting to upstream`,
    ...rest,
  };
  return changeFact('proxy', 'nginxErrors', (lines) => [...lines, line]);
}
