import { expect, test } from 'vitest';
import check from '../../../checks/nginx/proxy-responses.js';
import { editConfig, setIptables } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const unmarked = setIptables('proxy', 'mangle', []);

test('replies that a mark leads back to nginx need proxy_responses', () => {
  const change = [
    editConfig('$remote_addr:$remote_port', '$remote_addr'),
    setIptables('proxy', 'mangle', ['-A PREROUTING -p udp -m udp --sport 53 -j MARK --set-xmark 0x1/0xffffffff']),
  ];
  expect(statusesOf(check, 'proxy', change)['udp:53']).toBe('fail');
});

test('DSR with proxy_responses 1 fails, with none it piles sessions up', () => {
  expect(statusesOf(check, 'proxy', editConfig('proxy_responses 0', 'proxy_responses 1'))['udp:53']).toBe('fail');
  expect(statusesOf(check, 'proxy', editConfig('proxy_responses 0;', ''))['udp:53']).toBe('warn');
});

test("method 1 that keeps the client's port and gets its replies is fine", () => {
  const change = editConfig('proxy_bind $remote_addr transparent', 'proxy_bind $remote_addr:$remote_port transparent');
  expect(statusesOf(check, 'proxy', change)['udp:5300']).toBe('pass');
});

test('replies lost for another reason are no matter of proxy_responses', () => {
  expect(statusesOf(check, 'proxy', unmarked)).toEqual({ 'udp:53': 'pass' });
});
