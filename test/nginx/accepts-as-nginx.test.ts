import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/nginx/parse.js';
import { filesOf } from './config-files.js';
import { hardTexts } from './hard-texts.js';
import { httpConfig, Scratch } from './real-nginx.js';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Both verdicts on one text, with what each complains of, so that a difference explains itself. */
function verdicts(text: string): { nginx: string | undefined; parser: string | undefined } {
  return { nginx: scratch.complaint(text), parser: parseConfig(filesOf(text)).problems[0]?.message };
}

/** What nginx says of directives rather than of their spelling; a text that closes the block it is in can end there. */
const ofDirectives = /unknown directive|is not allowed here|invalid number of arguments|has no opening|is not terminated by/;

function expectAgreement(text: string): void {
  const { nginx, parser } = verdicts(text);
  if (nginx && ofDirectives.test(nginx)) return;
  expect(parser === undefined, `${JSON.stringify(text.slice(-200))}\nnginx: ${nginx}\nparser: ${parser}`).toBe(nginx === undefined);
}

/** Inside `types`, nginx takes entries of any words: only the tokenizer can object. */
const inTypes = (text: string): string => httpConfig(`types { ${text} }`);

describe('accepts and rejects what nginx accepts and rejects', () => {
  test.each(hardTexts)('%j', (text) => expectAgreement(inTypes(text)));

  test('words at the edge of the read buffer, wherever it is', () => {
    for (const length of [4000, 4093, 4094, 4095, 4096, 4097, 5000]) {
      for (const padding of [0, 1, 2, 100, 3000, 4090]) {
        for (const quote of ['', '"', "'"]) expectAgreement(inTypes(`${' '.repeat(padding)}a ${quote}${'x'.repeat(length)}${quote} b;`));
        expectAgreement(inTypes(`${' '.repeat(padding)}a ${'x'.repeat(length)};`));
        expectAgreement(inTypes(`${' '.repeat(padding)}# ${'x'.repeat(length)}\na b;`));
        expectAgreement(inTypes(`${'\n'.repeat(padding)}a ${'é'.repeat(length / 2)} b;`));
      }
    }
  });

  test('any mixture of the characters that mean something', () => {
    const piece = fc.constantFrom(
      'a',
      'b ',
      ' ',
      '"',
      "'",
      '\\',
      ';',
      '; ',
      '{',
      '}',
      '$',
      '${',
      '#',
      '\n',
      '\t',
      '\r',
      ')',
      'é',
      'a b;',
      '"c"',
    );
    const text = fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, (mixture) => expectAgreement(inTypes(mixture))),
      { numRuns: Number(process.env.DIFFERENTIAL_RUNS ?? 150) },
    );
  });
});
