const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Columns that sanitized text without colours takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += wide.test(character) ? 2 : 1;
  return width;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/** Shortens to a width, with a mark at the end. */
export function shorten(text: string, width: number, mark = '~'): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (displayWidth(kept + character) > width - displayWidth(mark)) break;
    kept += character;
  }
  return kept + mark;
}

/** Breaks prose into lines of at most `width` columns; words that are longer are broken, too. */
export function wrap(text: string, width: number): string[] {
  const most = Math.max(8, width);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).flatMap((part) => chop(part, most))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (displayWidth(longer) <= most) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

/** Wrapped prose with a lead before the first line and as many blanks before the others. */
export function hang(lead: string, text: string, width: number): string[] {
  const indent = ' '.repeat(displayWidth(lead));
  return wrap(text, width - indent.length).map((line, i) => (i === 0 ? lead : indent) + line);
}

function chop(word: string, most: number): string[] {
  if (displayWidth(word) <= most) return [word];
  const parts: string[] = [];
  let part = '';
  for (const character of word) {
    if (displayWidth(part + character) > most) {
      parts.push(part);
      part = '';
    }
    part += character;
  }
  return [...parts, part];
}
