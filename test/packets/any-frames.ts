import type { CapturedFrame } from '../kit/captures.js';
import {
  cooked,
  cooked2,
  dns,
  ethernet,
  etherTypes,
  icmp,
  ipv4,
  ipv6,
  ipv6Extension,
  ipv6Fragment,
  joined,
  tcp,
  udp,
} from '../kit/frames.js';
import { Dice } from './mutate.js';

const address = {
  4: (dice: Dice) => [dice.roll(224), dice.roll(256), dice.roll(256), dice.roll(256)].join('.'),
  6: (dice: Dice) => `2001:db8:${dice.roll(3)}:${dice.roll(2)}::${dice.roll(65_536).toString(16)}`,
};
const bytesOf = (dice: Dice, most: number): Uint8Array => new Uint8Array(dice.roll(most)).map(() => dice.roll(256));
const port = (dice: Dice): number => 40_000 + dice.roll(5000);

function transport(dice: Dice, family: 4 | 6): { protocol: number; bytes: Uint8Array } {
  const kind = dice.roll(family === 4 ? 5 : 4);
  if (kind === 0) return { protocol: 17, bytes: udp(port(dice), 53, dns({ id: dice.roll(65_536), name: `w${dice.roll(99)}.example` })) };
  if (kind === 1) return { protocol: 17, bytes: udp(53, port(dice), dns({ id: dice.roll(65_536), name: 'a.example', response: true })) };
  if (kind === 2) return { protocol: 17, bytes: udp(port(dice), port(dice), bytesOf(dice, 100)) };
  if (kind === 4) return { protocol: 1, bytes: icmp(dice.pick([0, 8]), 0, bytesOf(dice, 60)) };
  const of = { sourcePort: port(dice), destinationPort: port(dice), sequence: dice.roll(2 ** 32), acknowledgement: dice.roll(2 ** 32) };
  return { protocol: 6, bytes: tcp({ ...of, flags: dice.roll(64), options: dice.pick([[], [1, 1, 1, 1]]) }, bytesOf(dice, 100)) };
}

function packet4(dice: Dice, quotes = true): Uint8Array {
  const ends = { source: address[4](dice), destination: address[4](dice), id: dice.roll(65_536), ttl: 1 + dice.roll(255) };
  const kind = dice.roll(10);
  if (kind === 0 && quotes)
    return ipv4(
      { ...ends, protocol: 1 },
      icmp(dice.pick([3, 11]), dice.roll(2), packet4(dice, false).subarray(0, dice.pick([28, 60, 548]))),
    );
  if (kind === 1)
    return ipv4(
      { ...ends, protocol: dice.pick([6, 17]), fragmentOffset: 8 * dice.roll(1000) + 8, moreFragments: dice.roll(2) === 1 },
      bytesOf(dice, 90),
    );
  const { protocol, bytes } = transport(dice, 4);
  if (kind === 2) return ipv4({ ...ends, protocol: 17, moreFragments: true }, udp(port(dice), port(dice), bytesOf(dice, 90), 3000));
  return ipv4({ ...ends, protocol, options: dice.pick([[], [], [1, 1, 1, 1]]) }, bytes);
}

function packet6(dice: Dice, quotes = true): Uint8Array {
  const ends = { source: address[6](dice), destination: address[6](dice), hopLimit: 1 + dice.roll(255) };
  const kind = dice.roll(8);
  if (kind === 0 && quotes)
    return ipv6({ ...ends, next: 58 }, icmp(dice.pick([1, 3]), dice.roll(2), packet6(dice, false).subarray(0, dice.pick([48, 80, 1232]))));
  const { protocol, bytes } = transport(dice, 6);
  const fragment = { next: 17, id: dice.roll(2 ** 32) };
  if (kind === 1)
    return ipv6(
      { ...ends, next: 44 },
      ipv6Fragment({ ...fragment, fragmentOffset: 8 * (1 + dice.roll(999)), moreFragments: dice.roll(2) === 1 }, bytesOf(dice, 90)),
    );
  if (kind === 2)
    return ipv6(
      { ...ends, next: 44 },
      ipv6Fragment({ ...fragment, fragmentOffset: 0, moreFragments: true }, udp(port(dice), port(dice), bytesOf(dice, 90), 3000)),
    );
  if (kind === 3) return ipv6({ ...ends, next: 60 }, ipv6Extension(protocol, 1 + dice.roll(3), bytes));
  return ipv6({ ...ends, next: protocol }, bytes);
}

/** LINKTYPE_ numbers: Ethernet, both cooked ones, raw IP. */
export const links = [1, 113, 276, 101] as const;

function frame(dice: Dice, linkType: number): Uint8Array {
  const [type, packet] = dice.roll(3) === 0 ? [etherTypes.ipv6, packet6(dice)] : [etherTypes.ipv4, packet4(dice)];
  const padding = new Uint8Array(dice.roll(4) === 0 ? 12 : 0);
  if (linkType === 113) return cooked(type, packet, dice.roll(5));
  if (linkType === 276) return cooked2(type, packet, dice.roll(5), 1 + dice.roll(99));
  return linkType === 1 ? joined(ethernet(type, packet, dice.pick([[], [], [42], [100, 7]])), padding) : packet;
}

/** Frames of every kind that hosts of a setup exchange; of every third, the end is missing. `linkOf` gives the link type of the frame at an index. */
export function anyFrames(seed: number, count: number, linkOf: (index: number) => number): CapturedFrame[] {
  return Array.from({ length: count }, (_, index) => {
    const dice = new Dice(seed * 1_000_000 + index);
    const whole = frame(dice, linkOf(index));
    const bytes = whole.subarray(0, dice.roll(3) === 0 ? 14 + dice.roll(whole.length) : whole.length);
    const captured = {
      bytes,
      wireLength: whole.length,
      time: 1_700_000_000_000_000n + BigInt(index * 997),
      interface: index % links.length,
    };
    // Cooked frames tell their direction themselves.
    return linkOf(index) === 1 || linkOf(index) === 101 ? { ...captured, direction: dice.pick(['in', 'out'] as const) } : captured;
  });
}
