import { isAddress } from '../../net/address.js';
import { redacted } from './names.js';
import { redactText } from './text.js';

/** nginx's error log, and SELinux' audit log. */
const understood = /^(?:\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[|type=)/;
/** ADDRESS - USER [TIME] "METHOD PATH PROTOCOL" STATUS */
const combined = /^(\S{1,64}) - .{0,400}?(\[[^\]"]{20,40}\]) "([A-Z]{3,20}) (?:[^"\\]|\\.){0,65536}" (\d{3})\b/;

/**
 * The end of a log. Lines of access logs have whatever their owner wanted in them, cookies and names of users included: of them stays what is ever read,
 * the client, the time, the method and the status. Lines stay where they are.
 */
export function redactLog(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? line : understood.test(line) ? redactText(line) : redactAccess(line)))
    .join('\n');
}

function redactAccess(line: string): string {
  const [, client = '', time = '', method = '', status = ''] = combined.exec(line) ?? [];
  if (isAddress(client)) return `${client} - - ${time} "${method} ${redacted}" ${status} ${redacted}`;
  const [first = ''] = line.split(' ', 1);
  return first.length <= 45 && isAddress(first) ? `${first} ${redacted}` : redacted;
}
