import { expect, test } from 'vitest';
import { client } from '../../kit/article.js';
import { changeFact } from '../../kit/change.js';
import { logLine } from '../../kit/log-line.js';
import { commands, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

const failedConnect = (ago: number) => logLine('connect-cannot-assign', ago, { errno: 99, client, upstream: 'http://172.16.0.11:80/' });
const range = (text: string) => changeFact('proxy', 'sysctls', (sysctls) => ({ ...sysctls, 'net/ipv4/ip_local_port_range': text }));
const connections = (count: number) =>
  changeFact('proxy', 'sockets', (sockets) => [
    ...sockets,
    ...Array.from({ length: count }, (_, i) => ({
      protocol: 'tcp' as const,
      state: 'ESTAB',
      localAddress: client,
      localPort: 40_000 + i,
      peerAddress: '172.16.0.11',
      peerPort: 80,
    })),
  ]);

test('errno 99 from connect() is the fault, and more ports are the cure', () => {
  const found = soleDiagnosis([range('40000 40099'), connections(100), failedConnect(5)]);
  expect(found).toMatchObject({ cause: 'proxy/ephemeral-ports-exhausted', host: 'proxy', severity: 'fault', services: ['http:80/#web'] });
  expect(commands(found.fix)).toEqual(["sysctl -w 'net.ipv4.ip_local_port_range=1024 65535'"]);
  expect(found.fix[0]).toMatchObject({ undo: "sysctl -w 'net.ipv4.ip_local_port_range=40000 40099'" });
});

test('four fifths of the ports between two addresses are a risk, and half of them nothing', () => {
  expect(soleDiagnosis([range('40000 40099'), connections(80)])).toMatchObject({ severity: 'risk' });
  expectHealthy([range('40000 40099'), connections(50)]);
});

test('a failure from before the workers started is history', () => {
  expectHealthy(failedConnect(4000));
});

test('with all ports there are, a failure is history unless they are used up now', () => {
  expectHealthy([range('1024 65535'), failedConnect(5)]);
});
