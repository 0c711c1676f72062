import { describe, expect, test } from 'vitest';
import { parseClock } from '../../src/facts/clock.js';

describe('clock', () => {
  test('time with its fraction, zone and uptime', () => {
    expect(parseClock('1700000000.250000000 +0530\n', '12345.67 999.99\n')).toEqual({
      epochSeconds: 1700000000.25,
      utcOffsetSeconds: 19_800,
      uptimeSeconds: 12345.67,
    });
    expect(parseClock('1700000000.000000000 -0330', '1.00 1.00').utcOffsetSeconds).toBe(-12_600);
  });

  test('a date without fractions still tells the time, one without a time does not', () => {
    expect(parseClock('1700000000.%N +0000', '1 1').epochSeconds).toBe(1_700_000_000);
    expect(() => parseClock('today', '1 1')).toThrow();
    expect(() => parseClock('1700000000 +0000', '')).toThrow();
  });
});
