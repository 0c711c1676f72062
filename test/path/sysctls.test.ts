import { describe, expect, it } from 'vitest';
import { acceptsLocalSource, forwards, reversePathFilter, sendsRedirects, sysctl, validatesSourceByMark } from '../../src/path/sysctls.js';

const conf = (name: string, all: number, own: number) => ({
  [`net/ipv4/conf/all/${name}`]: `${all}`,
  [`net/ipv4/conf/eth0.5/${name}`]: `${own}`,
});

describe('sysctls', () => {
  it('that are missing or senseless count as 0', () => {
    expect(sysctl({ a: '2' }, 'a')).toBe(2);
    expect([sysctl({}, 'a'), sysctl({ a: '' }, 'a'), sysctl({ a: 'x' }, 'a')]).toEqual([0, 0, 0]);
  });

  it.each([
    [0, 0, 0],
    [1, 0, 1],
    [0, 2, 2],
    [2, 1, 2],
    [1, 2, 2],
  ])('rp_filter all=%d link=%d means %d', (all, own, means) => {
    expect(reversePathFilter(conf('rp_filter', all, own), 'eth0.5')).toBe(means);
  });

  it.each([
    ['accept_local', acceptsLocalSource],
    ['src_valid_mark', validatesSourceByMark],
    ['send_redirects', sendsRedirects],
  ] as const)('%s is on when all or the link says so', (name, read) => {
    for (const [all, own] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const)
      expect(read(conf(name, all, own), 'eth0.5')).toBe(all + own > 0);
    expect(read(conf(name, 0, 1), 'eth1')).toBe(false);
  });

  it('forwarding is the link’s own for IPv4 and the host’s for IPv6', () => {
    expect(forwards(conf('forwarding', 1, 0), 'eth0.5', 4)).toBe(false);
    expect(forwards(conf('forwarding', 0, 1), 'eth0.5', 4)).toBe(true);
    expect(forwards({ 'net/ipv4/ip_forward': '1' }, 'eth1', 4)).toBe(true);
    expect(forwards({ 'net/ipv4/ip_forward': '1' }, 'eth1', 6)).toBe(false);
    expect(forwards({ 'net/ipv6/conf/all/forwarding': '1' }, 'eth1', 6)).toBe(true);
  });
});
