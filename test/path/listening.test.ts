import { describe, expect, it } from 'vitest';
import { findListener, isOpen, isWildcard } from '../../src/path/listening.js';
import type { Packet, Socket } from '../../src/types.js';

const udp = (localAddress: string, change: Partial<Socket> = {}): Socket => ({
  protocol: 'udp',
  state: 'UNCONN',
  localAddress,
  localPort: 53,
  ...change,
});
const to = (destination: string, destinationPort = 53): Packet => ({
  family: destination.includes(':') ? 6 : 4,
  protocol: 17,
  source: 'x',
  destination,
  destinationPort,
  mark: 0,
});

describe('the socket for a packet', () => {
  it.each([
    ['0.0.0.0', '10.0.0.1', true],
    ['0.0.0.0', 'fd00::1', false],
    ['::', 'fd00::1', true],
    ['::', '10.0.0.1', true],
    ['*', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.2', '10.0.0.1', false],
    ['::ffff:10.0.0.1', '10.0.0.1', true],
    ['fd00:0::1', 'fd00::1', true],
  ])('bound to %s takes what is for %s: %s', (bound, destination, takes) => {
    expect(findListener([udp(bound)], 'udp', to(destination)) !== undefined).toBe(takes);
  });

  it('must have the port and the protocol', () => {
    expect(findListener([udp('0.0.0.0')], 'udp', to('10.0.0.1', 54))).toBeUndefined();
    expect(findListener([udp('0.0.0.0')], 'tcp', to('10.0.0.1'))).toBeUndefined();
  });

  it('on :: leaves IPv4 alone when it is v6only', () => {
    expect(findListener([udp('::', { v6only: true })], 'udp', to('10.0.0.1'))).toBeUndefined();
    expect(findListener([udp('::', { v6only: true })], 'udp', to('fd00::1'))).toBeDefined();
  });

  it('is not one that talks to a peer', () => {
    expect(isOpen(udp('10.0.0.1', { peerAddress: '10.0.0.9', peerPort: 4000 }))).toBe(false);
    expect(isOpen(udp('10.0.0.1', { peerAddress: '0.0.0.0', peerPort: 0 }))).toBe(true);
    expect(isOpen({ ...udp('0.0.0.0'), protocol: 'tcp', state: 'ESTABLISHED' })).toBe(false);
    expect(isOpen({ ...udp('0.0.0.0'), protocol: 'tcp', state: 'LISTEN' })).toBe(true);
  });

  it('cannot be told where sockets were not read', () => {
    expect(findListener(undefined, 'udp', to('10.0.0.1'))).toBe('unknown');
  });
});

it('tells sockets of any address', () => {
  expect(['0.0.0.0', '::', '10.0.0.1'].map((address) => isWildcard(udp(address)))).toEqual([true, true, false]);
});
