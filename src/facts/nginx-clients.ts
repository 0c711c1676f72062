import { canonical, isAddress } from '../net/address.js';
import { splitErrorLine } from '../nginx/error-lines.js';
import type { Clock, ConfigFiles, Fact, Host, NginxProcesses, SeenClient } from '../types.js';
import { known, unknown } from './fact.js';
import { type LogTail, readTails } from './nginx-logs.js';

/** As many clients as are kept, the most recent ones. */
const mostClients = 500;

/** Clients that the access and error logs' ends name, each once, most recent last. Unknown when there are logs and none can be read. */
export async function read(
  host: Host,
  nginx: NginxProcesses,
  configs: readonly ConfigFiles[],
  clock: Pick<Clock, 'utcOffsetSeconds'>,
): Promise<Fact<readonly SeenClient[]>> {
  const [accesses, errors] = await Promise.all([readTails(host, nginx, configs, 'accesses'), readTails(host, nginx, configs, 'errors')]);
  const unread = [...accesses.unread, ...errors.unread];
  if (accesses.tails.length + errors.tails.length === 0 && unread.length > 0) return unknown(`logs: ${unread[0]}`);
  const seen = [
    ...accesses.tails.flatMap(parseAccessLog),
    ...errors.tails.flatMap((tail) => parseErrorClients(tail, clock.utcOffsetSeconds)),
  ];
  return known(latestOfEach(seen));
}

/** Lines that begin with an address; time and status where the line is in the combined format. */
export function parseAccessLog({ file, text }: Pick<LogTail, 'file' | 'text'>): readonly SeenClient[] {
  return text.split('\n').flatMap((line) => {
    const [first = ''] = line.split(' ', 1);
    if (first.length > 45 || !isAddress(first)) return [];
    const [, stamp, status] = /^\S+ - [^[]{0,200} \[([^\]]{20,40})\](?: "(?:[^"\\]|\\.)*" (\d{3}) )?/.exec(line) ?? [];
    const at = stamp === undefined ? undefined : parseStamp(stamp);
    const client = { address: canonical(first), log: file };
    return [{ ...client, ...(at === undefined ? {} : { at }), ...(status === undefined ? {} : { status: Number(status) }) }];
  });
}

function parseErrorClients({ file, text }: LogTail, utcOffsetSeconds: number): readonly SeenClient[] {
  return text.split('\n').flatMap((line) => {
    const logged = splitErrorLine(line, utcOffsetSeconds);
    return logged?.client === undefined ? [] : [{ address: canonical(logged.client), at: logged.at, log: file }];
  });
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Seconds since the epoch of `22/Nov/2026:23:36:19 +0100`. */
function parseStamp(stamp: string): number | undefined {
  const parts = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(stamp);
  const month = months.indexOf(parts?.[2] ?? '');
  if (!parts || month < 0) return undefined;
  const [day = 0, , year = 0, hour = 0, minute = 0, second = 0, , offsetHours = 0, offsetMinutes = 0] = parts.slice(1).map(Number);
  const offset = (parts[7] === '-' ? -1 : 1) * (offsetHours * 3600 + offsetMinutes * 60);
  return Date.UTC(year, month, day, hour, minute, second) / 1000 - offset;
}

function latestOfEach(seen: readonly SeenClient[]): readonly SeenClient[] {
  const latest = new Map<string, SeenClient>();
  for (const client of seen.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0))) {
    // Deleted first, so that it moves to the end.
    latest.delete(client.address);
    latest.set(client.address, client);
  }
  return [...latest.values()].slice(-mostClients);
}
