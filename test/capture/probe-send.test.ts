import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { payloadOf, type Speech } from '../../src/capture/probe/payload.js';
import { type ProbePlan, parseTold, sendProbe } from '../../src/capture/probe.js';
import { openHost } from '../../src/host/target.js';
import type { Host, Query } from '../../src/types.js';

/* Requests to real sockets of this machine, by each program that a host may have. */

const host = openHost({ kind: 'local' });
const heard: { payload: string; source: string; port: number }[] = [];
const ports = new Map<string, number>();
const open: (Socket | Server)[] = [];

function udpServer(name: string, answer: (message: Buffer) => Buffer | undefined): Promise<void> {
  const socket = createSocket('udp4');
  open.push(socket);
  socket.on('message', (message, { address, port }) => {
    heard.push({ payload: message.toString('latin1'), source: address, port });
    const reply = answer(message);
    if (reply) socket.send(reply, port, address);
  });
  return new Promise((ready) =>
    socket.bind(0, '127.0.0.1', () => {
      ports.set(name, socket.address().port);
      ready();
    }),
  );
}

function tcpServer(name: string, answer: string | undefined): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      heard.push({ payload: data.toString('latin1'), source: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 });
      if (answer !== undefined) socket.end(answer);
    });
  });
  open.push(server);
  return new Promise((ready) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      ports.set(name, typeof address === 'object' && address ? address.port : 0);
      ready();
    }),
  );
}

const dnsAnswer = (code: number) => (message: Buffer) => {
  const answer = Buffer.from(message);
  answer.writeUInt16BE(0x8180 | code, 2);
  return answer;
};

beforeAll(async () => {
  await udpServer('dns', dnsAnswer(3));
  await udpServer('quiet', () => undefined);
  await tcpServer('http', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  await tcpServer('http-502', 'HTTP/1.1 502 Bad Gateway\r\n\r\n');
  await tcpServer('closing', '');
  // A port that nobody has any more.
  await udpServer('gone', () => undefined);
  open.pop()?.close();
});
afterAll(() => {
  for (const each of open) each.close();
});

const plan = (to: string, speaks: Speech, count = 3, source?: string): ProbePlan => ({
  service: to,
  ...(source === undefined ? {} : { source }),
  speaks,
  destination: '127.0.0.1',
  port: ports.get(to) ?? 0,
  requests: Array.from({ length: count }, (_, i) => {
    // Line ends, NULs and per cents in the payload are bytes like others.
    const mark = `0a25${(i + 0x0a00).toString(16).padStart(4, '0')}`;
    return { mark, payload: payloadOf(speaks, mark, { vip: '127.0.0.1', zone: 'tpdoctor.invalid', service: 'http:80/' }) };
  }),
});

const pace = { gapMs: 10, limitMs: 1000 };
const summary = (results: Awaited<ReturnType<typeof sendProbe>>) =>
  results.map(({ plan: { service }, sent, answered, rejected, silent, said }) => [service, sent, answered, rejected, silent, [...said]]);

describe.each(['node', 'python3', 'bash'])('%s', (name) => {
  test('sends each request once, byte by byte, and tells what was answered', async () => {
    heard.length = 0;
    const plans = [
      plan('dns', 'dns'),
      plan('http', 'http'),
      plan('http-502', 'http'),
      plan('closing', 'tcp'),
      plan('quiet', 'udp'),
      plan('gone', 'udp'),
    ];
    const results = await sendProbe(host, plans, { ...pace, through: [name] });
    expect(summary(results).slice(0, 5)).toEqual([
      ['dns', 3, 3, 0, 0, [['DNS NXDOMAIN', 3]]],
      ['http', 3, 3, 0, 0, [['HTTP 200', 3]]],
      ['http-502', 3, 0, 3, 0, [['HTTP 502', 3]]],
      ['closing', 3, 0, 3, 0, [['closed without an answer', 3]]],
      ['quiet', 3, 0, 0, 3, [['no answer', 3]]],
    ]);
    expect(results[5]).toMatchObject({ sent: 3, answered: 0, rejected: 3, silent: 0 });
    const sent = plans.slice(0, 5).flatMap(({ requests }) => requests.map(({ payload }) => Buffer.from(payload).toString('latin1')));
    expect(heard.map(({ payload }) => payload).sort()).toEqual(sent.sort());
  });

  test('takes another source port for every request', async () => {
    heard.length = 0;
    await sendProbe(host, [plan('dns', 'dns', 6)], { ...pace, through: [name] });
    // The system chooses them by chance, once in thousands of runs one twice.
    expect(heard).toHaveLength(6);
    expect(new Set(heard.map(({ port }) => port)).size).toBeGreaterThanOrEqual(5);
  });
});

test.each(['node', 'python3'])("%s asks from the client's address", async (name) => {
  heard.length = 0;
  const results = await sendProbe(host, [plan('dns', 'dns', 2, '127.0.0.77'), plan('http', 'http', 2, '127.0.0.77')], {
    ...pace,
    through: [name],
  });
  expect(summary(results).map(([, sent, answered]) => [sent, answered])).toEqual([
    [2, 2],
    [2, 2],
  ]);
  expect([...new Set(heard.map(({ source }) => source))]).toEqual(['127.0.0.77']);
});

test('bash sends nothing from the wrong address, and says why', async () => {
  heard.length = 0;
  const results = await sendProbe(host, [plan('dns', 'dns', 2, '127.0.0.77')], { ...pace, through: ['bash'] });
  expect(results).toMatchObject([{ sent: 0, why: 'bash cannot choose a source address' }]);
  expect(heard).toEqual([]);
});

test('an address that the host does not have is no answer of anybody: nothing was sent', async () => {
  const results = await sendProbe(host, [plan('dns', 'dns', 2, '192.0.2.77')], pace);
  expect(results).toMatchObject([{ sent: 0, answered: 0, why: 'EADDRNOTAVAIL' }]);
});

test('requests of several services go out in turn', async () => {
  heard.length = 0;
  // To one socket, which hears them in the order in which they come.
  await sendProbe(host, [plan('quiet', 'dns', 2), plan('quiet', 'udp', 2)], { gapMs: 60, limitMs: 500 });
  expect(heard.map(({ payload }) => (payload.startsWith('tpdoctor') ? 'udp' : 'dns'))).toEqual(['dns', 'udp', 'dns', 'udp']);
});

describe('a host', () => {
  const asked: string[] = [];
  const hostWith =
    (present: string): Host =>
    async (query: Query) => {
      const [program = ''] = 'run' in query ? query.run : [];
      asked.push(program);
      if (program !== present) return { ok: false, why: `${program}: not found` };
      return { ok: true, text: '0 got 000081830001\n1 none\n', stderr: '' };
    };

  test('is asked through the first program that it has, and then through no other', async () => {
    asked.length = 0;
    const [result] = await sendProbe(hostWith('python3'), [plan('quiet', 'udp', 3)]);
    expect(asked).toEqual([process.execPath, 'python3']);
    expect(result).toMatchObject({ sent: 2, answered: 1, silent: 1, why: 'nothing was heard of it' });
  });

  test('without any of them sends nothing, and says what it would take', async () => {
    const [result] = await sendProbe(hostWith('none of them'), [plan('quiet', 'udp')]);
    expect(result).toMatchObject({ sent: 0, why: expect.stringMatching(/python3.*bash/) });
  });

  test('that is gone sends nothing, and no second program is tried', async () => {
    const [result] = await sendProbe(async () => ({ ok: false, why: 'no answer within 20 s' }), [plan('quiet', 'udp')]);
    expect(result).toMatchObject({ sent: 0, why: 'no answer within 20 s' });
  });

  test('is not asked where nothing is planned', async () => {
    asked.length = 0;
    expect(await sendProbe(hostWith('python3'), [])).toEqual([]);
    expect(asked).toEqual([]);
  });

  test('may say anything: every request is counted once or not at all', async () => {
    const line = fc.oneof(fc.string(), fc.stringMatching(/^[0-5] (got [0-9a-f]{0,40}|none|closed|error [A-Za-z ]{0,20})$/));
    await fc.assert(
      fc.asyncProperty(fc.array(line), async (lines) => {
        const hostile: Host = async () => ({ ok: true, text: lines.join('\n'), stderr: '' });
        const [result] = await sendProbe(hostile, [plan('quiet', 'udp', 5)]);
        const { sent = -1, answered = 0, rejected = 0, silent = 0, said } = result ?? {};
        expect(sent).toBe(answered + rejected + silent);
        expect([...(said?.values() ?? [])].reduce((sum, count) => sum + count, 0)).toBe(sent);
        expect(sent).toBeLessThanOrEqual(parseTold(lines.join('\n')).size);
      }),
    );
  });
});
