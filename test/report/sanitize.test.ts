import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sanitize, sanitizeLines } from '../../src/report/sanitize.js';
import { attack } from './samples.js';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0x3000 })).map((codes) => String.fromCharCode(...codes)),
  fc.constant(attack),
);

function codesOf(text: string): number[] {
  return [...text].map((character) => character.codePointAt(0) ?? 0);
}

function steersTerminal(code: number): boolean {
  const controls = code < 0x20 || (code >= 0x7f && code <= 0x9f);
  const bidi =
    code === 0x061c || code === 0x200e || code === 0x200f || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  const breaks = code === 0x2028 || code === 0x2029;
  const surrogate = code >= 0xd800 && code <= 0xdfff;
  return controls || bidi || breaks || surrogate;
}

describe('sanitize', () => {
  it('lets nothing through that steers a terminal, whatever the text', () => {
    fc.assert(
      fc.property(anyText, (text) => void expect(codesOf(sanitize(text)).filter(steersTerminal)).toEqual([])),
      { numRuns: 2000 },
    );
  });

  it('leaves only printable ASCII where asked to', () => {
    fc.assert(fc.property(anyText, (text) => void expect(sanitize(text, { ascii: true })).toMatch(/^[\x20-\x7e]*$/)));
  });

  it('changes no printable ASCII', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 2000 }), (text) => void expect(sanitize(text)).toBe(text)));
  });

  it('bounds the length, however long the text', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(100), (length, most) => {
        // The longest escape, `\u{10ffff}`, has ten characters.
        expect(sanitize('\u{e0001}'.repeat(length), { most }).length).toBeLessThanOrEqual(most * 10 + 30);
      }),
    );
  });

  it('shows what it replaced', () => {
    expect(sanitize('a\x1b[31mb')).toBe('a\\x1b[31mb');
    expect(sanitize('a\u202eb')).toBe('a\\u{202e}b');
    expect(sanitize('é日本')).toBe('é日本');
  });

  it('says how much it cut', () => {
    expect(sanitize('abcdef', { most: 4 })).toBe('abcd [2 more characters]');
  });
});

describe('sanitizeLines', () => {
  it('keeps line feeds and nothing else that moves the cursor', () => {
    fc.assert(
      fc.property(
        anyText,
        (text) => void expect(codesOf(sanitizeLines(text)).filter((code) => code !== 10 && steersTerminal(code))).toEqual([]),
      ),
    );
    expect(sanitizeLines('a\nb\rc')).toBe('a\nb\\x0dc');
  });

  it('bounds the number of lines', () => {
    expect(sanitizeLines('x\n'.repeat(1000)).split('\n')).toHaveLength(201);
  });
});
