import { joined } from '../kit/frames.js';
import { draw } from '../kit/traffic-chance.js';

/** Chance that is the same in each run, so that what a round found can be found again. */
export class Dice {
  private drawn = 0;

  constructor(private readonly round: number) {}

  /** From 0 to below `sides`. */
  roll(sides: number): number {
    return draw(20_260, this.round, this.drawn++) % sides;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.roll(from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}

/** Values that lengths and offsets break at. */
const nasty = [0, 1, 4, 7, 8, 12, 16, 20, 24, 32, 40, 63, 64, 127, 128, 192, 254, 255];

const changes: readonly ((bytes: Uint8Array, dice: Dice) => Uint8Array)[] = [
  (bytes, dice) => bytes.fill(dice.roll(256), dice.roll(bytes.length + 1)),
  (bytes, dice) => set(bytes, dice.roll(bytes.length), dice.roll(256)),
  (bytes, dice) => set(bytes, dice.roll(bytes.length), dice.pick(nasty)),
  (bytes, dice) => set(bytes, dice.roll(Math.min(bytes.length, 64)), dice.pick(nasty)),
  (bytes, dice) => set(set(bytes, dice.roll(bytes.length), 255), dice.roll(bytes.length), 255),
  (bytes, dice) => bytes.slice(0, dice.roll(bytes.length + 1)),
  (bytes, dice) => joined(bytes.subarray(0, dice.roll(bytes.length + 1)), bytes.subarray(dice.roll(bytes.length + 1))),
  (bytes, dice) => joined(bytes, bytes.subarray(dice.roll(bytes.length + 1))),
];

/** A copy with one to four changes: bytes overwritten, cut, left out or repeated. */
export function mutated(bytes: Uint8Array, dice: Dice): Uint8Array {
  let changed: Uint8Array = bytes.slice();
  for (let left = 1 + dice.roll(4); left > 0; left--) changed = dice.pick(changes)(changed, dice);
  return changed;
}

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  if (at < bytes.length) bytes[at] = value;
  return bytes;
}
