import { expect, test } from 'vitest';
import { Feed } from '../../src/journeys/feed.js';
import { PacketPacker, PacketUnpacker } from '../../src/packets/packed.js';
import type { Packet } from '../../src/packets/packet.js';
import { pcapFile } from '../kit/captures.js';
import { anyFrames, links } from './any-frames.js';

/** All that joining looks at. */
function looked({ headers, gist, time }: Packet): object {
  const { family, protocol, source, destination, sourcePort, destinationPort, ttl, ipId, fragmentOffset, moreFragments } = headers;
  const { tcpFlags, tcpSequence, tcpAcknowledgement, icmpType, icmpCode, payloadLength, direction } = headers;
  const ip = { family, protocol, source: [...source], destination: [...destination], ttl, ipId, fragmentOffset, moreFragments };
  const above = { sourcePort, destinationPort, tcpFlags, tcpSequence, tcpAcknowledgement, icmpType, icmpCode, payloadLength };
  return { ...ip, ...above, direction, gist: { ...gist }, time };
}

const unpacked = (packer: PacketPacker, onPacket: ConstructorParameters<typeof PacketUnpacker>[0]): void =>
  new PacketUnpacker(onPacket).unpack(packer.block, packer.used);

test('a packet that was packed tells a joiner the same as before', () => {
  for (const [index, linkType] of links.entries()) {
    const packer = new PacketPacker(new ArrayBuffer(1_000_000));
    const [before, after]: [object[], object[]] = [[], []];
    const feed = new Feed({ ownMacs: new Set(), clockOffset: -0.25 }, (packet, _, quoted) => {
      before.push({ point: index + 250, packet: looked(packet), quoted: quoted && looked(quoted) });
      packer.add(index + 250, packet, quoted);
    });
    feed.push(
      pcapFile(
        anyFrames(20 + index, 3000, () => linkType),
        { linkType },
      ),
    );
    unpacked(packer, (point, packet, quoted) => after.push({ point, packet: looked(packet), quoted: quoted && looked(quoted) }));
    expect(before.length).toBeGreaterThan(2000);
    expect(after).toEqual(before);
    expect(before.some((seen) => 'quoted' in seen && seen.quoted !== undefined)).toBe(true);
  }
});

test('a block that is full says so instead of losing a packet', () => {
  const packer = new PacketPacker(new ArrayBuffer(128));
  const feed = new Feed({ ownMacs: new Set(), clockOffset: 0 }, (packet, _, quoted) => packer.add(0, packet, quoted));
  expect(() => feed.push(pcapFile(anyFrames(1, 10, () => 1)))).toThrow('full');
});
