import { describe, expect, test } from 'vitest';
import { parseSysctls } from '../../src/facts/sysctls.js';

describe('sysctls', () => {
  test('only those that matter are kept, whatever the link is called', () => {
    const text = [
      '/proc/sys/net/ipv4/conf/eth0.100/rp_filter:1',
      '/proc/sys/net/ipv4/conf/all/arp_announce:0',
      '/proc/sys/net/ipv6/conf/eth0/stable_secret:2001:db8::1',
      '/proc/sys/net/ipv6/conf/all/forwarding:1',
      '/proc/sys/net/ipv4/ip_local_port_range:32768\t60999',
      '/proc/sys/net/ipv4/tcp_fastopen_key:00-00',
      'grep: /proc/sys/net/x: Permission denied',
    ];
    expect(parseSysctls(text.join('\n'))).toEqual({
      'net/ipv4/conf/eth0.100/rp_filter': '1',
      'net/ipv6/conf/all/forwarding': '1',
      'net/ipv4/ip_local_port_range': '32768 60999',
    });
  });
});
