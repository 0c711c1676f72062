import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSockets } from '../../src/facts/sockets.js';

describe('sockets', () => {
  test('addresses are read word by word, ports plainly', () => {
    const lines = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060 1 0 100 0 0 10 0',
      '   1: 0B0010AC:0050 076433C6:C001 01 00000000:00000000 00:00000000 00000000     0        0 1061 1 0 100 0 0 10 0',
      ' 812: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1 2 0 0',
    ];
    expect(parseSockets(lines.join('\n'), 'tcp')).toEqual([
      { protocol: 'tcp', state: 'LISTEN', localAddress: '127.0.0.1', localPort: 8080 },
      { protocol: 'tcp', state: 'ESTAB', localAddress: '172.16.0.11', localPort: 80, peerAddress: '198.51.100.7', peerPort: 49153 },
      { protocol: 'tcp', state: 'UNCONN', localAddress: '2001:db8::1', localPort: 53 },
    ]);
  });

  test('any text is read without an exception', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const socket of parseSockets(text, 'udp')) expect(socket.localPort).toBeLessThan(65_536);
      }),
    );
  });
});
