import { describe, expect, it } from 'vitest';
import { penFor, styleFor } from '../../src/report/style.js';

const wishes = { colour: true, verbosity: 'normal' } as const;
const terminal = { isTTY: true, columns: 100 };
const utf8 = { LANG: 'en_GB.UTF-8', TERM: 'xterm' };

describe('styleFor', () => {
  it.each([
    ['a terminal', terminal, utf8, wishes, true],
    ['no terminal', { columns: 100 }, utf8, wishes, false],
    ['NO_COLOR', terminal, { ...utf8, NO_COLOR: '1' }, wishes, false],
    ['a dumb terminal', terminal, { ...utf8, TERM: 'dumb' }, wishes, false],
    ['--no-color', terminal, utf8, { ...wishes, colour: false }, false],
  ])('decides about colour for %s', (_, out, env, wanted, colour) => {
    expect(styleFor(out, env, wanted).colour).toBe(colour);
  });

  it.each([
    [{ LANG: 'de_DE.utf8' }, true],
    [{ LC_ALL: 'C', LANG: 'de_DE.UTF-8' }, false],
    [{ LC_CTYPE: 'C.UTF-8' }, true],
    [{}, false],
    [{ LANG: 'C.UTF-8', TERM: 'linux' }, false],
  ])('leaves ASCII only where the locale is UTF-8: %j', (env, unicode) => {
    expect(styleFor(terminal, env, wishes).unicode).toBe(unicode);
  });

  it.each([
    [{ columns: 10 }, 40],
    [{ columns: 97 }, 97],
    [{ columns: 400 }, 120],
    [{}, 100],
  ])('keeps the width between 40 and 120 columns: %j', (out, width) => {
    expect(styleFor(out, utf8, wishes).width).toBe(width);
  });
});

describe('penFor', () => {
  it('paints only with colours', () => {
    const style = { width: 80, unicode: false, verbosity: 'normal' } as const;
    expect(penFor({ ...style, colour: false }).paint('x', 'red', 'bold')).toBe('x');
    expect(penFor({ ...style, colour: true }).paint('x', 'red', 'bold')).toBe('\x1b[31;1mx\x1b[0m');
  });
});
