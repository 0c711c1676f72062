import { expect, test } from 'vitest';
import { parseCount, parsePort, parseTime } from '../../src/nginx/units.js';

test.each([
  ['10s', 10_000],
  ['1m', 60_000],
  ['100ms', 100],
  ['60', 60_000],
  ['1h30m', 5_400_000],
  ['1m 30', 90_000],
  [`${'1'.repeat(60)}x`, undefined],
  ['1h 30m', 5_400_000],
  ['0', 0],
  ['', undefined],
  ['s', undefined],
  ['10x', undefined],
  ['-1', undefined],
  ['9'.repeat(30), undefined],
])('time %j is %s ms', (text, expected) => expect(parseTime(text)).toBe(expected));

test('ports are 1 to 65535, counts decimal', () => {
  expect(['1', '65535', '0', '65536', '080', '', '1e3', undefined].map(parsePort)).toEqual([
    1,
    65535,
    undefined,
    undefined,
    80,
    undefined,
    undefined,
    undefined,
  ]);
  expect(['0', '12', '-1', '1.5', '0x1', undefined].map(parseCount)).toEqual([0, 12, undefined, undefined, undefined, undefined]);
});
