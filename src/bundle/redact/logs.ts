import { isAddress } from '../../net/address.js';
import { redacted } from './names.js';
import { redactText } from './text.js';

/** A line of nginx's error log, or what SELinux denied. */
const understood = /^(?:\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[|type=AVC )/;
/** The audit log has every command that was run, too. */
const audited = /^type=[A-Z_]{1,40} msg=audit\([\d.:]{1,40}\):/;
/** ADDRESS - USER [TIME] "METHOD PATH PROTOCOL" STATUS */
const combined = /^(\S{1,64}) - .{0,400}?(\[[^\]"]{20,40}\]) "([A-Z]{3,20}) (?:[^"\\]|\\.){0,65536}" (\d{3})\b/;

/**
 * The end of a log. Lines of access logs have whatever their owner wanted in them, cookies and names of users included: of them stays what is ever read,
 * the client, the time, the method and the status. Of the audit log stays what was denied. Lines stay where they are.
 */
export function redactLog(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? line : understood.test(line) ? redactText(line) : redactAccess(line)))
    .join('\n');
}

function redactAccess(line: string): string {
  const [event] = audited.exec(line) ?? [];
  if (event !== undefined) return `${event} ${redacted}`;
  const [, client = '', time = '', method = '', status = ''] = combined.exec(line) ?? [];
  if (isAddress(client)) return `${client} - - ${time} "${method} ${redacted}" ${status} ${redacted}`;
  const [first = ''] = line.split(' ', 1);
  return first.length <= 45 && isAddress(first) ? `${first} ${redacted}` : redacted;
}
