import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth, hang, padEnd, shorten, wrap } from '../../src/report/layout.js';

const prose = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '日', '/', '-'), maxLength: 300 });
const width = fc.integer({ min: 8, max: 120 });

describe('wrap', () => {
  it('makes no line wider than asked', () => {
    fc.assert(
      fc.property(prose, width, (text, most) => void expect(Math.max(...wrap(text, most).map(displayWidth))).toBeLessThanOrEqual(most)),
    );
  });

  it('loses nothing but blanks', () => {
    fc.assert(
      fc.property(prose, width, (text, most) => void expect(wrap(text, most).join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))),
    );
  });

  it('breaks between words where it can', () => {
    expect(wrap('one two three', 9)).toEqual(['one two', 'three']);
  });
});

describe('hang', () => {
  it('indents all lines by the width of the lead', () => {
    expect(hang('1. ', 'one two three', 12)).toEqual(['1. one two', '   three']);
  });
});

describe('shorten', () => {
  it('fits the width, marks the cut and leaves short text alone', () => {
    fc.assert(
      fc.property(prose, width, (text, most) => {
        const short = shorten(text, most);
        expect(displayWidth(short)).toBeLessThanOrEqual(most);
        expect(short === text || short.endsWith('~')).toBe(true);
      }),
    );
  });
});

describe('padEnd', () => {
  it('counts East Asian characters as two columns', () => {
    expect(padEnd('日', 4)).toBe('日  ');
  });
});
