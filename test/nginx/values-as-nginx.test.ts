import { afterAll, expect, test } from 'vitest';
import { parseConfig } from '../../src/nginx/parse.js';
import { filesOf } from './config-files.js';
import { httpConfig, Scratch } from './real-nginx.js';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Spellings of one word, none of which holds a variable. */
const spellings = [
  'plain',
  '"double quoted"',
  "'single quoted'",
  '"a \\"b\\" \'c\'"',
  "'a \"b\" \\'c\\''",
  'tab\\there',
  '"line\\nfeed"',
  '"carriage\\rreturn"',
  'back\\\\slash',
  '"\\\\"',
  'kept\\x\\d\\.',
  'semi\\;colon',
  'open\\{brace',
  'close}brace',
  'a\\ b',
  'a#b',
  'a"b',
  "it's",
  '"raw\nnewline"',
  '\\#leading',
  '\\"leading',
  '"é ü €"',
  '"\\t\\r\\n\\\\t"',
  '")"',
  ')',
];

test('words have the value that nginx gives them', async () => {
  const port = 20000 + (process.pid % 20000);
  const locations = spellings.map((word, i) => `location = /${i} { return 200 ${word}; }`).join('\n');
  const text = httpConfig(`server { listen 127.0.0.1:${port}; ${locations} }`, 'daemon off; worker_processes 1; user root;');
  const server = parseConfig(filesOf(text))
    .directives.find(({ name }) => name === 'http')
    ?.block?.at(-1);
  const parsed = server?.block?.filter(({ name }) => name === 'location').map(({ block }) => block?.[0]?.args[1]);

  await scratch.start(text);
  const served = await Promise.all(spellings.map((_, i) => fetch(`http://127.0.0.1:${port}/${i}`).then((response) => response.text())));
  expect(parsed).toEqual(served);
});
