import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob, selects } from '../../src/commands/selection.js';

const word = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 12 });
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 });

describe('matchesGlob', () => {
  it('agrees with a regular expression', () => {
    fc.assert(
      fc.property(word, pattern, (id, glob) => {
        expect(matchesGlob(id, glob)).toBe(new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(id));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('selects', () => {
  it('takes everything without --only, and lets --skip win', () => {
    const id = 'proxy/mark-rule-missing';
    expect(selects(id, { only: [], skip: [] })).toBe(true);
    expect(selects(id, { only: ['dsr/*'], skip: [] })).toBe(false);
    expect(selects(id, { only: ['dsr/*', 'proxy/*'], skip: [] })).toBe(true);
    expect(selects(id, { only: ['proxy/*'], skip: ['*mark*'] })).toBe(false);
  });
});
