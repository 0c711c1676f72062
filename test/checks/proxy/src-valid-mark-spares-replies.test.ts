import { expect, test } from 'vitest';
import check from '../../../checks/proxy/src-valid-mark-spares-replies.js';
import { setSysctl } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const on = setSysctl('proxy', 'net/ipv4/conf/all/src_valid_mark', 1);

test('src_valid_mark fails, whatever rp_filter is', () => {
  expect(statusesOf(check, 'proxy', on)).toEqual({ 'http:80/#web': 'fail', 'udp:5300': 'fail' });
  expect(statusesOf(check, 'proxy', [on, setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 0)])['udp:5300']).toBe('fail');
});

test('with accept_local it does no harm', () => {
  expect(
    statusesOf(check, 'proxy', [
      on,
      setSysctl('proxy', 'net/ipv4/conf/eth1/accept_local', 1),
      setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 0),
    ]),
  ).toEqual({
    'http:80/#web': 'pass',
    'udp:5300': 'pass',
  });
});

test('on another link it does no harm', () => {
  expect(statusesOf(check, 'proxy', setSysctl('proxy', 'net/ipv4/conf/eth0/src_valid_mark', 1))['udp:5300']).toBe('pass');
});
