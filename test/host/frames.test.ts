import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode, mostBytes, refusal, replyTo, splitter } from '../../src/host/frames.js';
import type { Query } from '../../src/types.js';

const nonce = '00112233445566778899aabbccddeeff';
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

describe('splitting a stream at its markers', () => {
  test('gives the parts back whatever they contain and however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(bytes, { maxLength: 8 }),
        bytes,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (parts, rest, sizes) => {
          const whole = Buffer.concat([...parts.flatMap((part) => [part, Buffer.from(`\n${nonce}\n`)]), rest]);
          const split = splitter(nonce);
          for (let at = 0, turn = 0; at < whole.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            split.push(whole.subarray(at, at + size));
            at += size;
          }
          expect(split.parts.map((part) => part.toString('hex'))).toEqual(parts.map((part) => part.toString('hex')));
          expect(split.rest().toString('hex')).toBe(rest.toString('hex'));
        },
      ),
    );
  });

  test('a marker of another nonce, or without its line breaks, is content', () => {
    const split = splitter(nonce);
    const content = `${nonce}\n\n${nonce.replace('0', '1')}\n\n${nonce} \n`;
    split.push(Buffer.from(`${content}\n${nonce}\n`));
    expect(split.parts.map(String)).toEqual([content]);
  });
});

describe('encoding', () => {
  const word = fc.string({ unit: 'binary', maxLength: 20 });
  const query: fc.Arbitrary<Query> = fc.oneof(
    fc.array(word, { maxLength: 4 }).map((run) => ({ run })),
    word.map((read) => ({ read })),
    fc.record({ read: word, lastBytes: fc.double() }),
    word.map((glob) => ({ glob })),
    fc.record({ grep: word, in: word }),
  );

  test('every field is one line of its own, so that no question can bring another one in', () => {
    const lines = (one: Query) =>
      'run' in one ? 3 + one.run.length : 'read' in one ? (one.lastBytes === undefined ? 3 : 4) : 'glob' in one ? 2 : 4;
    fc.assert(
      fc.property(fc.array(query), (queries) => {
        const sent = queries.filter((one) => refusal(one) === undefined);
        const expected = sent.reduce((sum, one) => sum + lines(one), 0);
        expect(encode(sent, 5000).split('\n')).toHaveLength(expected + 1);
      }),
    );
  });

  test('a program without a name, or one that looks like an option of timeout, is refused', () => {
    expect([[], [''], ['-k', '1']].map((run) => refusal({ run }) === undefined)).toEqual([false, false, false]);
    expect(refusal({ run: ['ip', '-j'] })).toBeUndefined();
  });

  test('a query has 1 to 60 whole seconds and no more than its host', () => {
    const seconds = (timeoutMs: number, limitMs: number) => encode([{ run: ['x'], timeoutMs }], limitMs).split('\n')[1];
    expect([seconds(0, 20_000), seconds(1500, 20_000), seconds(1e9, 1e9), seconds(5000, 300)]).toEqual(['1', '2', '60', '1']);
  });
});

describe('a reply', () => {
  const reply = (query: Query, output: string, errors: string) => replyTo(query, Buffer.from(output), Buffer.from(errors), 5000);

  test('any bytes make a reply, and success is the exit code 0', () => {
    fc.assert(
      fc.property(bytes, bytes, fc.nat({ max: 255 }), (output, errors, code) => {
        const made = replyTo({ run: ['x'] }, output, Buffer.concat([errors, Buffer.from(`\n${code}`)]), 5000);
        expect(made.ok).toBe(code === 0);
        expect(made.text).toBe(output.toString());
        if (!made.ok) expect(made.why).not.toBe('');
      }),
    );
  });

  test('a search that found something in spite of an unreadable file found something', () => {
    expect(reply({ grep: 'x', in: '/*' }, '/a:x\n', 'grep: /b: gone\n2')).toMatchObject({ ok: true });
    expect(reply({ grep: 'x', in: '/*' }, '', 'grep: /b: denied\n2')).toMatchObject({ ok: false, why: 'grep: /b: denied' });
    expect(reply({ grep: 'x', in: '/*' }, '', 'grep: /b: No such file or directory\ngrep: /c: No such process\n2')).toMatchObject({
      ok: true,
    });
    expect(reply({ grep: 'x', in: '/b' }, '', '/b: No such file or directory\n2')).toMatchObject({ ok: false });
    expect(reply({ grep: 'x', in: '/*' }, '', '\n1')).toMatchObject({ ok: true, text: '' });
  });

  test('as much as is kept is not called truncated, one byte more is', () => {
    expect(reply({ read: '/x' }, 'x'.repeat(mostBytes), '\n0')).not.toHaveProperty('truncated');
    expect(reply({ read: '/x' }, 'x'.repeat(mostBytes + 1), '\n0')).toHaveProperty('truncated', true);
  });
});
