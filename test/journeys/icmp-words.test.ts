import { expect, test } from 'vitest';
import { icmpWords } from '../../src/journeys/icmp-words.js';

test('errors that a refusal or a route makes are called by their names', () => {
  expect(icmpWords(4, 3, 3)).toBe('ICMP port unreachable');
  expect(icmpWords(4, 3, 13)).toBe('ICMP administratively prohibited');
  expect(icmpWords(6, 1, 4)).toBe('ICMPv6 port unreachable');
});

test('the same numbers mean something else in the other family, and others are told as numbers', () => {
  expect(icmpWords(6, 3, 0)).not.toContain('unreachable');
  expect(icmpWords(4, 250, 7)).toBe('ICMP type 250 code 7');
});
