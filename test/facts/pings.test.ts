import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, summaryOf } from '../../src/facts/pings.js';
import { openHost } from '../../src/host/target.js';

test('the summary of a ping is one line', () => {
  const text =
    'PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\n--- statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\n';
  expect(summaryOf(text)).toBe('1 packets transmitted, 1 received, 0% packet loss, time 0ms');
  expect(summaryOf('')).toBeUndefined();
});

const namespace = `pg${process.pid}`;
const ip = (...words: string[]) => execFileSync('ip', words);
beforeAll(() => {
  ip('netns', 'add', namespace);
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  ip('-n', namespace, 'address', 'add', '192.0.2.1/32', 'dev', 'lo');
  ip('-n', namespace, 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1');
  ip('-n', namespace, 'link', 'set', 'd1', 'up');
  ip('-n', namespace, 'address', 'add', '198.51.100.1/24', 'dev', 'd0');
  ip('-n', namespace, 'link', 'set', 'd0', 'up');
});
afterAll(() => {
  ip('netns', 'del', namespace);
});

test('all are pinged side by side, each from the address that was asked for', async () => {
  const started = Date.now();
  const silent = Array.from({ length: 6 }, (_, i) => `198.51.100.${i + 2}`);
  const fact = await ask(openHost({ kind: 'netns', name: namespace }), [
    '192.0.2.1',
    { to: '192.0.2.1', from: '127.0.0.1' },
    '203.0.113.7',
    ...silent,
    'no-such-name.invalid',
    '-c 100',
  ]);
  expect(Date.now() - started).toBeLessThan(4500);
  const pings = fact.ok ? fact.value : [];
  expect(pings.map(({ to, from, ok }) => `${to} ${from ?? '-'} ${ok}`)).toEqual([
    '192.0.2.1 - true',
    '192.0.2.1 127.0.0.1 true',
    '203.0.113.7 - false',
    ...silent.map((to) => `${to} - false`),
    'no-such-name.invalid - false',
  ]);
  expect(pings[0]?.text).toContain('1 received');
  expect(pings[2]?.text).toMatch(/unreachable/i);
});
