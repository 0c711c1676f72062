export type Verbosity = 'quiet' | 'normal' | 'verbose';

/** How a report is to look where it goes. */
export interface Style {
  /** Columns, 40 … 120. */
  width: number;
  colour: boolean;
  /** False: ASCII only. */
  unicode: boolean;
  verbosity: Verbosity;
}

/** Where output goes, as far as the look depends on it. */
export interface Terminal {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

export interface StyleWishes {
  colour: boolean;
  verbosity: Verbosity;
}

/** Colour only on a terminal that can and where nobody objects (no-color.org); UTF-8 only where the locale says so. */
export function styleFor(out: Terminal, env: Readonly<Record<string, string | undefined>>, wishes: StyleWishes): Style {
  return {
    width: Math.min(120, Math.max(40, out.columns || 100)),
    colour: wishes.colour && out.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    unicode: isUnicode(env),
    verbosity: wishes.verbosity,
  };
}

/** The kernel's own console reads UTF-8, too, but its font lacks ticks and arrows. */
export function isUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale) && env.TERM !== 'linux';
}

const colours = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
export type Colour = keyof typeof colours;

const unicodeGlyphs = {
  tick: '✓',
  cross: '✗',
  bang: '!',
  doubt: '?',
  none: '·',
  dot: '•',
  line: '─',
  heavy: '━',
  bar: '│',
  corners: ['╭', '╮', '╰', '╯'],
  tees: ['├', '┤'],
  right: '▶',
  left: '◀',
  up: '▲',
  cut: '…',
  dash: '–',
} as const; // prettier-ignore

const asciiGlyphs = {
  tick: '+',
  cross: 'X',
  bang: '!',
  doubt: '?',
  none: '.',
  dot: '*',
  line: '-',
  heavy: '=',
  bar: '|',
  corners: ['+', '+', '+', '+'],
  tees: ['|', '|'],
  right: '>',
  left: '<',
  up: '^',
  cut: '~',
  dash: '-',
} as const; // prettier-ignore

export type Glyphs = { readonly [K in keyof typeof unicodeGlyphs]: (typeof unicodeGlyphs)[K] extends string ? string : readonly string[] };

/** A style with the means to follow it. */
export interface Pen extends Style {
  glyphs: Glyphs;
  paint(text: string, ...with_: readonly Colour[]): string;
}

export function penFor(style: Style): Pen {
  return {
    ...style,
    glyphs: style.unicode ? unicodeGlyphs : asciiGlyphs,
    paint: (text, ...names) =>
      style.colour && text !== '' && names.length > 0 ? `\x1b[${names.map((name) => colours[name]).join(';')}m${text}\x1b[0m` : text,
  };
}
