/** What has no visible width of its own or acts on a terminal: controls, bidi and other format characters, lone surrogates, line separators, combining marks, odd spaces. */
const unsafe = /[\p{C}\p{M}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const notAscii = /[^\x20-\x7e]/gu;

/** Our own typography, for terminals that have only ASCII. */
const plain = new Map([
  ['×', 'x'],
  ['–', '-'],
  ['—', '-'],
  ['…', '...'],
  ['→', '->'],
  ['·', '-'],
  ['’', "'"],
]);

export interface SanitizeOptions {
  /** Characters kept, 2000 when absent; the rest is cut and counted. */
  most?: number;
  /** Escape everything beyond ASCII: bytes 0x80–0x9f are control characters where the terminal does not read UTF-8. */
  ascii?: boolean;
}

/** Makes text from a host or file safe to print on one line: what could steer the terminal or hide text becomes visible as `\x1b` or `\u{202e}`. */
export function sanitize(text: string, { most = 2000, ascii = false }: SanitizeOptions = {}): string {
  const shown = text
    .slice(0, most)
    .replace(ascii ? notAscii : unsafe, (character) => (ascii && plain.get(character)) || escaped(character));
  return text.length > most ? `${shown} [${text.length - most} more characters]` : shown;
}

/** The same for text that may have lines; each is sanitized, and there are at most 200. */
export function sanitizeLines(text: string, options: SanitizeOptions = {}): string {
  const lines = text.slice(0, 100_000).split('\n');
  const kept = lines.slice(0, 200).map((line) => sanitize(line, options));
  return [...kept, ...(lines.length > 200 ? [`[${lines.length - 200} more lines]`] : [])].join('\n');
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
