import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCapture } from '../../src/capture/start.js';
import { Frames, Wire } from './wire.js';

let wire: Wire;
beforeAll(async () => {
  wire = await Wire.lay();
});
afterAll(() => wire.remove());

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a capture', () => {
  it('hands over each packet at once, and its counts at its end', async () => {
    const frames = new Frames();
    const capture = startCapture(wire.plan(), frames.push);
    expect(await capture.ready).toEqual({ ok: true });
    await wire.send(20);
    await frames.untilThereAre(20);
    expect(frames.numbers()).toEqual(range(20));
    expect(await capture.stop()).toEqual({ captured: 20, received: 20, dropped: 0 });
    expect(frames.end()).toEqual({ ok: true, packets: 20 });
  });

  it('of one direction sees nothing of the other', async () => {
    const [incoming, outgoing] = [new Frames(), new Frames()];
    const captures = [
      startCapture(wire.plan({ direction: 'in' }), incoming.push),
      startCapture(wire.plan({ direction: 'out' }), outgoing.push),
    ];
    expect(await Promise.all(captures.map(({ ready }) => ready))).toEqual([{ ok: true }, { ok: true }]);
    await wire.send(5);
    await incoming.untilThereAre(5);
    await Promise.all(captures.map((capture) => capture.stop()));
    expect([incoming.all.length, outgoing.all.length]).toEqual([5, 0]);
  });

  it.each([
    ['of an interface that is not there', { iface: 'nope' }, /nope: No such device exists/],
    ['with a filter that makes no sense', { filter: 'udp prt 53' }, /syntax error/],
    ['of a host that is not there', { target: { kind: 'netns' as const, name: 'tp-not-there' } }, /no network namespace "tp-not-there"/],
  ])('%s tells why it does not begin', async (_, change, why) => {
    const capture = startCapture(wire.plan(change), () => undefined);
    expect(await capture.ready).toEqual({ ok: false, why: expect.stringMatching(why) });
    expect((await capture.ended).why).toMatch(why);
  });
});
