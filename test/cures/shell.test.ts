import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandLine, quote } from '../../src/cures/shell.js';

test('plain words stay plain', () => {
  expect(commandLine('ip', 'route', 'add', '0.0.0.0/0', 'dev', 'eth0.5', 'metric', 3)).toBe('ip route add 0.0.0.0/0 dev eth0.5 metric 3');
});

test('what a shell would read gets quotes', () => {
  expect(quote('a b')).toBe("'a b'");
  expect(quote("it's")).toBe("'it'\\''s'");
  expect(quote("a'b'c")).toBe("'a'\\''b'\\''c'");
  expect(quote('')).toBe("''");
  expect(quote('$(reboot)')).toBe("'$(reboot)'");
});

test('a shell gives every argument back as it was', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => !value.includes('\0'));
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (args) => {
      const printed = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${commandLine(...args)}`]).toString();
      expect(printed.split('\0').slice(0, -1)).toEqual(args);
    }),
    { numRuns: 50 },
  );
});
