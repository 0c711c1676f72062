import { describe, expect, test } from 'vitest';
import { parsePaired, parseSingle } from '../../src/facts/counters.js';
import { fixture } from './fixtures.js';

describe('counters', () => {
  test('bear the names that nstat gives them', () => {
    const counters = {
      ...parsePaired(fixture('proc/snmp.txt')),
      ...parsePaired(fixture('proc/netstat.txt')),
      ...parseSingle(fixture('proc/snmp6.txt')),
    };
    const names = [
      'IpInAddrErrors',
      'IpForwDatagrams',
      'IpOutNoRoutes',
      'TcpAttemptFails',
      'UdpNoPorts',
      'IcmpOutDestUnreachs',
      'TcpExtIPReversePathFilter',
      'IpExtInOctets',
      'Ip6InAddrErrors',
    ];
    expect(names.filter((name) => !Number.isInteger(counters[name]))).toEqual([]);
    expect(parsePaired('Ip: Forwarding InReceives\nIp: 2 10763\n')).toEqual({ IpForwarding: 2, IpInReceives: 10763 });
  });

  test('a line of names without its values is left out', () => {
    expect(parsePaired('Ip: A B\nTcp: 1 2\n')).toEqual({});
  });
});
