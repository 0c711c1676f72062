import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical } from '../../src/net/address.js';
import { DnsQuestion, readDnsQuestion } from '../../src/packets/dns.js';
import { Hash, hashBytes } from '../../src/packets/hash.js';
import { addressText, wordsOf } from '../../src/packets/text.js';
import { dns, joined } from '../kit/frames.js';

function hashed(bytes: Uint8Array, seed = 0): string {
  const hash = new Hash();
  hashBytes(bytes, 0, bytes.length, hash, seed);
  return `${hash.low} ${hash.high}`;
}

describe('hash', () => {
  test('depends on nothing but the bytes of the range', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 9 }), (bytes, around) => {
        const hash = new Hash();
        hashBytes(joined(around, bytes, around), around.length, around.length + bytes.length, hash);
        expect(`${hash.low} ${hash.high}`).toBe(hashed(bytes));
        expect([hash.low | 0, hash.high | 0]).toEqual([hash.low, hash.high]);
      }),
    );
  });

  test('another byte, another length or another seed is another hash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, where, change) => {
        const other = bytes.slice();
        const at = where % other.length;
        other[at] = (other[at] ?? 0) ^ change;
        const all = [hashed(bytes), hashed(other), hashed(joined(bytes, [0])), hashed(bytes.subarray(1)), hashed(bytes, change)];
        expect(new Set(all).size).toBe(all.length);
      }),
    );
  });

  test('payloads that hardly differ have few equal halves and no equal hash', () => {
    const [hash, bytes] = [new Hash(), new Uint8Array(24)];
    const [lows, highs, both] = [new Set<number>(), new Set<number>(), new Set<number>()];
    const rounds = 300_000;
    for (let round = 0; round < rounds; round++) {
      new DataView(bytes.buffer).setUint32(4 * (round % 6), round);
      hashBytes(bytes, 0, bytes.length, hash);
      lows.add(hash.low);
      highs.add(hash.high);
      both.add((hash.high & 0xfffff) * 2 ** 32 + (hash.low >>> 0));
    }
    // Of so many values out of 2^32, chance makes 10 pairs equal; of 2^52, none.
    expect(lows.size).toBeGreaterThan(rounds - 40);
    expect(highs.size).toBeGreaterThan(rounds - 40);
    expect(both.size).toBe(rounds);
  });
});

describe('the question of a DNS message', () => {
  function question(message: Uint8Array) {
    const into = new DnsQuestion();
    const isDns = readDnsQuestion(message, 0, message.length, into);
    return { isDns, ...into, hash: `${into.hash.low} ${into.hash.high}` };
  }

  test('a query and its answer have one hash', () => {
    const query = question(dns({ id: 4711, name: 'www.Example.org', type: 28 }));
    const answer = question(
      dns({ id: 4711, name: 'www.Example.org', type: 28, response: true, code: 3 }, [0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 0, 0, 0]),
    );
    expect(query).toMatchObject({ isDns: true, id: 4711, isResponse: false, responseCode: 0 });
    expect(answer).toMatchObject({ isDns: true, id: 4711, isResponse: true, responseCode: 3, hash: query.hash });
  });

  test('id, name, its case and type make another', () => {
    const base = { id: 1, name: 'a.example', type: 1 };
    const others = [
      { ...base, id: 2 },
      { ...base, name: 'b.example' },
      { ...base, name: 'A.example' },
      { ...base, type: 28 },
    ];
    expect(new Set([base, ...others].map((of) => question(dns(of)).hash)).size).toBe(5);
  });

  test('the root has a question, too', () => {
    expect(question(dns({ id: 1, name: '.', type: 2 })).isDns).toBe(true);
  });

  const message = dns({ id: 1, name: 'www.example.org' });
  test.each([
    ['nothing', new Uint8Array(0)],
    ['text', Buffer.from('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n')],
    ['a question cut by the capture', message.subarray(0, message.length - 1)],
    ['two questions', joined(message.subarray(0, 5), [2], message.subarray(6))],
    ['a pointer where the first name is', joined(message.subarray(0, 12), [0xc0, 0, 0, 1, 0, 1])],
    ['a label beyond the end', joined(message.subarray(0, 12), [63, 1, 2, 3])],
    ['an operation that no message has', joined(message.subarray(0, 2), [0x78], message.subarray(3))],
    ['a name longer than names are', joined(message.subarray(0, 12), ...Array.from({ length: 200 }, () => [1, 97]), [0, 0, 1, 0, 1])],
  ])('%s is none', (_, bytes) => {
    expect(question(bytes).isDns).toBe(false);
  });

  test('whatever the bytes are, it says yes or no', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(typeof question(joined([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], bytes)).isDns).toBe('boolean');
      }),
    );
  });
});

describe('addresses as words', () => {
  test.each([
    ['172.16.0.11', 4, [0, 0, 0, 0xac10000b]],
    ['255.255.255.255', 4, [0, 0, 0, 0xffffffff]],
    ['::', 6, [0, 0, 0, 0]],
    ['::1', 6, [0, 0, 0, 1]],
    ['2001:db8::11', 6, [0x20010db8, 0, 0, 0x11]],
    ['fe80::1:0:0:1', 6, [0xfe800000, 0, 0x10000, 1]],
    ['1:0:0:2::3', 6, [0x10000, 2, 0, 3]],
  ])('%s', (text, family, words) => {
    expect(wordsOf(text)).toEqual({ family, words: Uint32Array.from(words) });
    expect(addressText(Uint32Array.from(words), family === 4 ? 4 : 6)).toBe(text);
  });

  test('text of any address is canonical, and leads back', () => {
    const word = fc.oneof(fc.constant(0), fc.constantFrom(1, 0x10000, 0xffff), fc.integer({ min: 0, max: 0xffffffff }));
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (words) => {
        const text = addressText(Uint32Array.from(words), 6);
        const isMapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
        if (isMapped) return;
        expect(canonical(text)).toBe(text);
        expect(wordsOf(text)).toEqual({ family: 6, words: Uint32Array.from(words) });
      }),
    );
  });

  test('what is no address has no words', () => {
    expect(['', 'eth0', '10.1', '1.2.3.4.5', ':::', '1.2.3.256'].map(wordsOf)).toEqual(Array(6).fill(undefined));
    expect(wordsOf('::ffff:10.0.0.1')).toEqual(wordsOf('10.0.0.1'));
  });
});
