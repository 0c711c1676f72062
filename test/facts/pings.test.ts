import { expect, test } from 'vitest';
import { summaryOf } from '../../src/facts/pings.js';

test('the summary of a ping is one line', () => {
  const text =
    'PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\n--- statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\n';
  expect(summaryOf(text)).toBe('1 packets transmitted, 1 received, 0% packet loss, time 0ms');
  expect(summaryOf('')).toBeUndefined();
});
