import { expect, test } from 'vitest';
import check from '../../../checks/dsr/early-demux-spares-replies.js';
import { setForwarding, setSysctl } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const demux = (name: 'ip' | 'udp', value: number) => setSysctl('proxy', `net/ipv4/${name}_early_demux`, value);

test('early demux with router NAT on this host is a warning', () => {
  expect(statusesOf(check, 'proxy', demux('udp', 1))).toEqual({ 'udp:53': 'warn' });
});

test('turned off in either place it is fine', () => {
  expect(statusesOf(check, 'proxy', [demux('udp', 1), demux('ip', 0)])).toEqual({ 'udp:53': 'pass' });
  expect(statusesOf(check, 'proxy')).toEqual({ 'udp:53': 'pass' });
});

test('nothing is said where replies do not come by this host', () => {
  expect(statusesOf(check, 'proxy', [demux('udp', 1), setForwarding('proxy', 0)])).toEqual({});
});
