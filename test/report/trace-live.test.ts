import fc from 'fast-check';
import { expect, it } from 'vitest';
import { displayWidth } from '../../src/report/layout.js';
import { type LiveCounts, renderLive } from '../../src/report/trace-story/live.js';

const counts: LiveCounts = {
  seconds: 12.7,
  packets: 340,
  points: 6,
  complete: 37,
  failing: [
    { count: 9, end: 'ambiguous' },
    { count: 1, end: 'refused', at: { host: 'dev2', iface: 'eth0' } },
    { count: 3, end: 'vanished', at: { host: 'proxy', iface: 'eth1' } },
  ],
};

it('tells in one line what goes on, the most frequent failure first', () => {
  expect(renderLive(counts, { width: 120, ascii: false })).toBe(
    '12 s · 340 packets at 6 points · 37 complete · 3 vanished after proxy eth1 · 1 refused at dev2 eth0 · 9 under way',
  );
});

it('leaves out whole parts where the terminal is narrow', () => {
  expect(renderLive(counts, { width: 60, ascii: true })).toBe('12 s - 340 packets at 6 points - 37 complete');
});

it('stays on one line and steers no terminal, whatever hosts are called', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 20, max: 200 }), fc.boolean(), (name, width, ascii) => {
      const line = renderLive({ ...counts, failing: [{ count: 1, end: 'vanished', at: { host: name, iface: name } }] }, { width, ascii });
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]|\p{Cf}|\p{Cs}/u);
      expect(displayWidth(line)).toBeLessThan(width);
    }),
  );
});
