import { redacted } from './names.js';

const keyBegin = /-----BEGIN [A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)?-----/;
const keyEnd = /-----END [A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)?-----/;
/** A line of a key whose beginning is not to be seen. */
const keyLine = /^[A-Za-z0-9+/]{48,}={0,2}$/;

/** Private keys in PEM, also where a text has its lines escaped into one, and where only a part of a key is to be seen. */
export function redactKeys(text: string): string {
  if (!/-----|[A-Za-z0-9+/]{48}/.test(text)) return text;
  let inside = false;
  const kept = (line: string): string => {
    const end = keyEnd.exec(line);
    if (inside) {
      inside = !end;
      return end ? `${redacted}${line.slice(end.index)}` : redacted;
    }
    const begin = keyBegin.exec(line);
    if (!begin) return keyLine.test(line.trim()) ? redacted : line;
    const from = begin.index + begin[0].length;
    const until = end && end.index >= from ? line.slice(end.index) : undefined;
    inside = until === undefined;
    return `${line.slice(0, from)}${redacted}${until ?? ''}`;
  };
  return text.split('\n').map(kept).join('\n');
}
