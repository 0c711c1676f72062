import { describe, expect, it } from 'vitest';
import { httpStart } from '../../src/packets/http.js';

const read = (text: string) => {
  const bytes = new TextEncoder().encode(`..${text}`);
  return { ...httpStart(bytes, 2, bytes.length) };
};

describe('the first bytes of a segment', () => {
  it('tell a request, by method and target alone, as nginx changes the rest on the way', () => {
    const client = read('GET /a?b=1 HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\n\r\n');
    expect(client.kind).toBe('request');
    expect(read('GET /a?b=1 HTTP/1.0\r\nHost: web\r\nConnection: close\r\n\r\n').hash).toBe(client.hash);
    expect(read('GET /a?b=2 HTTP/1.1\r\n').hash).not.toBe(client.hash);
    expect(read('POST /a?b=1 HTTP/1.1\r\n').hash).not.toBe(client.hash);
  });

  it('tell a response and its status', () => {
    expect(read('HTTP/1.1 504 Gateway Time-out\r\n')).toEqual({ kind: 'response', hash: 0, status: 504 });
  });

  it.each(['', 'GET', 'GET ', 'GET /a FTP/1.0\r\n', 'get / HTTP/1.1\r\n', '\u0016\u0003\u0001', 'HTTP/1.1', 'A B\r\nC HTTP/1'])(
    'are no HTTP: %j',
    (text) => {
      expect(read(text).kind).toBe('none');
    },
  );

  it('tell a request whose target the capture cut', () => {
    expect(read(`GET /${'x'.repeat(100)}`).kind).toBe('request');
  });
});
