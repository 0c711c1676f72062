import { expect, test } from 'vitest';
import { findPacketDoubts } from '../../src/engine/packet-doubts.js';
import type { TracePattern } from '../../src/types.js';
import { articleCase } from '../kit/article.js';
import { dnsWay, ended, observation, vanished } from '../kit/observed.js';

const whole = ended(dnsWay(1), 'delivered');
const unclear: TracePattern = ended(dnsWay(2).slice(0, 4), 'ambiguous');

function doubtsOf(patterns: readonly TracePattern[]): string[] {
  const c = { ...articleCase(), observed: observation(patterns) };
  return findPacketDoubts(c, []).map(({ what, why }) => `${what}: ${why}`);
}

test('packets that all went well leave no doubt, nor do a few that cannot be told apart among them', () => {
  expect(doubtsOf([whole])).toEqual([]);
  expect(doubtsOf([whole, unclear])).toEqual([]);
});

test('captures that ended before any answer was due say nothing of health', () => {
  expect(doubtsOf([unclear])).toEqual(['how 10 transactions ended: they had not when the captures did, or cannot be told apart']);
});

test('captures without a packet of the services say nothing', () => {
  expect(doubtsOf([])).toEqual(['packets of the services: none were seen at 7 points while it was captured']);
});

test('packets that are lost without a known cause are told with their place', () => {
  expect(doubtsOf([whole, vanished(dnsWay(2), 4)])).toEqual([expect.stringMatching(/^10 .*: vanished after eth0 of dev2: no known cause/)]);
});

test('what cannot be told, where a capture missed packets, says where', () => {
  const observed = observation([whole, unclear]);
  const points = observed.points.map((point, n) => (n === 0 ? { ...point, packets: 90, dropped: 10 } : point));
  const [doubt, ...others] = findPacketDoubts({ ...articleCase(), observed: { ...observed, points } }, []);
  expect(doubt).toMatchObject({ what: 'packets on eth0 of client', why: '10 of 100 came too fast to be captured' });
  expect(others).toEqual([]);
});
