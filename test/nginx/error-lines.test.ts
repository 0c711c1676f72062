import { expect, test } from 'vitest';
import { parseErrorLine } from '../../src/nginx/error-lines.js';

const line = (text: string) => parseErrorLine(`2026/11/22 23:36:10 [emerg] 811#811: ${text}`, 0);

test.each([
  ['unknown directive "stream" in /etc/nginx/nginx.conf:32', 'stream-unknown'],
  ['invalid number of arguments in "proxy_bind" directive in /etc/nginx/nginx.conf:17', 'transparent-unsupported'],
  ['transparent proxying is not supported on this platform, ignored in /etc/nginx/nginx.conf:17', 'transparent-unsupported'],
])('what nginx says when it refuses a configuration is known: %s', (text, kind) => {
  expect(line(text)).toMatchObject({ kind });
});

test.each(['unknown directive "streams" in /etc/nginx/nginx.conf:32', 'invalid number of arguments in "proxy_pass" directive in /a:1'])(
  'other refusals are not taken for it: %s',
  (text) => expect(line(text)).toBeUndefined(),
);

test('an upstream of a UDP session is told as such, one of TCP as it is printed', () => {
  const timedOut = (client: string) =>
    line(
      `upstream timed out (110: Connection timed out) while proxying connection, ${client}: 192.168.99.50, server: 0.0.0.0:53, upstream: "172.16.0.11:53"`,
    );
  expect(timedOut('udp client')?.upstream).toBe('udp://172.16.0.11:53');
  expect(timedOut('client')?.upstream).toBe('172.16.0.11:53');
});

test('words that an HTTP client sends make no UDP session', () => {
  const sent = 'request: "GET /, udp client: 10.0.0.1 HTTP/1.1", upstream: "http://172.16.0.11:80/"';
  expect(
    line(`upstream timed out (110: Connection timed out) while connecting to upstream, client: 192.168.99.50, server: a, ${sent}`),
  ).toMatchObject({
    client: '192.168.99.50',
    upstream: 'http://172.16.0.11:80/',
  });
});
