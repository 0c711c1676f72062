import { expect, test } from 'vitest';
import check from '../../../checks/proxy/kernel-can-match-sockets.js';
import { changeFact, setIptables } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const unmarked = setIptables('proxy', 'mangle', []);
const kernel = (xt_socket: boolean | undefined) =>
  changeFact('proxy', 'kernelFeatures', (fact) => ({ ...fact, features: { ...fact.features, xt_socket, nft_socket: xt_socket } }));

test('surely absent while replies are unmarked is a warning', () => {
  expect(statusesOf(check, 'proxy', [unmarked, kernel(false)])).toMatchObject({ 'http:80/#web': 'warn', 'udp:5300': 'warn' });
});

test('absent but not needed is fine', () => {
  expect(statusesOf(check, 'proxy', kernel(false))).toMatchObject({ 'http:80/#web': 'pass', 'udp:5300': 'pass' });
});

test('nothing is said where it cannot be known', () => {
  expect(statusesOf(check, 'proxy', [unmarked, kernel(undefined)])).toEqual({ 'http:80/#web6': 'pass' });
});
