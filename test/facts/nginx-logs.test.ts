import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseHosts } from '../../src/facts/host-names.js';
import { read as readProcesses } from '../../src/facts/nginx.js';
import { parseAccessLog, read as readClients } from '../../src/facts/nginx-clients.js';
import { read as readConfig } from '../../src/facts/nginx-config.js';
import { parseErrorLog, read as readErrors } from '../../src/facts/nginx-errors.js';
import { openHost } from '../../src/host/target.js';
import { parseErrorLine } from '../../src/nginx/error-lines.js';
import type { Host, NginxMaster } from '../../src/types.js';
import { httpConfig, Scratch } from '../nginx/real-nginx.js';

const localHost = openHost({ kind: 'local' });
const scratch = new Scratch();
afterAll(() => scratch.remove());

const fixture = readFileSync(join(import.meta.dirname, 'fixtures/nginx/error.log'), 'utf8');
const log = (text: string, whole = true) => ({ master: 7, file: '/var/log/nginx/error.log', text, whole });

describe('error log lines', () => {
  const lines = parseErrorLog(log(fixture), 0);

  test('that matter are told apart, others left out', () => {
    expect(lines.map(({ kind, errno, source }) => [source.line, kind, errno])).toEqual([
      [3, 'setsockopt-transparent', 1],
      [4, 'setsockopt-transparent', 92],
      [5, 'bind', 99],
      [6, 'bind', 98],
      [7, 'capset', 1],
      [8, 'worker-died', undefined],
      [9, 'connect-refused', 111],
      [10, 'connect-unreachable', 113],
      [11, 'connect-unreachable', 101],
      [12, 'connect-cannot-assign', 99],
      [13, 'upstream-timeout', 110],
      [14, 'no-live-upstreams', undefined],
      [15, 'upstream-timeout', 110],
      [16, 'connect-refused', 111],
      [17, 'worker-connections', undefined],
    ]);
  });

  test('name client, server and upstream as nginx does', () => {
    expect(lines[0]).toMatchObject({ master: 7, client: '192.168.99.21', server: 'shop.example', upstream: 'http://172.16.0.11:80/' });
    expect(lines[2]).not.toHaveProperty('server');
    expect(lines[6]).toMatchObject({ upstream: 'http://172.16.0.11:80/a' });
    expect(lines[12]).toMatchObject({ client: '192.168.99.23', server: '0.0.0.0:53', upstream: 'udp://172.16.0.11:53' });
  });

  test('have their time from the local clock and its offset', () => {
    const line = fixture.split('\n')[2] ?? '';
    expect(parseErrorLine(line, 0)?.at).toBe(Date.UTC(2026, 10, 22, 23, 36, 12) / 1000);
    expect(parseErrorLine(line, 3600)?.at).toBe(Date.UTC(2026, 10, 22, 22, 36, 12) / 1000);
  });

  test('what a client sends makes no kind', () => {
    const line =
      '2026/11/22 23:36:26 [error] 8#8: *1 open() "/x" failed (2: No such file or directory), client: 10.0.0.1, server: , request: "GET /, connect() failed (111: x HTTP/1.1"';
    expect(parseErrorLine(line, 0)).toBeUndefined();
  });

  test('no line makes it fail', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => parseErrorLog(log(`2026/11/22 23:36:26 [error] 8#8: ${text}`), 0).length <= 1 + text.length,
      ),
    );
  });
});

describe('access log lines', () => {
  test('in the combined format give client, time and status; others what they begin with', () => {
    const text = [
      '192.0.2.7 - - [22/Nov/2026:23:36:19 +0100] "GET / HTTP/1.1" 504 167 "-" "curl/7.88.1"',
      '2001:db8:0::7 - user name [22/Nov/2026:23:36:20 +0000] "GET /\\x22 HTTP/1.1" 200 1 "-" "-"',
      '192.0.2.8 [22/Nov/2026:23:36:19 +0100] UDP 200 39',
      '{"remote_addr":"192.0.2.9"}',
      '999.1.1.1 - - [x]',
    ].join('\n');
    expect(parseAccessLog({ file: '/a.log', text })).toEqual([
      { address: '192.0.2.7', at: Date.UTC(2026, 10, 22, 22, 36, 19) / 1000, status: 504, log: '/a.log' },
      { address: '2001:db8::7', at: Date.UTC(2026, 10, 22, 23, 36, 20) / 1000, status: 200, log: '/a.log' },
      { address: '192.0.2.8', log: '/a.log' },
    ]);
  });
});

describe('a real nginx', () => {
  test('that cannot reach its upstreams says so in logs which are found and understood', async () => {
    const port = 22000 + (process.pid % 20000);
    const pid = await scratch.start(
      httpConfig(
        `access_log logs/access.log combined; server { listen 127.0.0.1:${port};
          location /refused { proxy_pass http://127.0.0.1:1; }
          location /bind { proxy_bind 203.0.113.9; proxy_pass http://127.0.0.1:1; } }`,
        'daemon off; worker_processes 1; user root; error_log logs/error.log;',
      ).replace('access_log off;', ''),
    );
    const statuses = [];
    for (const path of ['refused', 'bind']) statuses.push((await fetch(`http://127.0.0.1:${port}/${path}`)).status);
    expect(statuses).toEqual([502, 500]);

    const processes = await readProcesses(localHost);
    const master = processes.ok ? processes.value.masters.find((candidate) => candidate.pid === pid) : undefined;
    if (!master) throw new Error('no master');
    const only = { masters: [master], elsewhere: [] };
    const config = await readConfig(localHost, only);
    if (!config.ok) throw new Error(config.why);
    const clock = { utcOffsetSeconds: -60 * new Date().getTimezoneOffset() };
    const errors = await readErrors(localHost, only, config.value, clock);
    expect(errors.ok && errors.value.map(({ kind, errno, client, upstream }) => [kind, errno, client, upstream])).toEqual([
      ['connect-refused', 111, '127.0.0.1', 'http://127.0.0.1:1/refused'],
      ['bind', 99, '127.0.0.1', 'http://127.0.0.1:1/bind'],
    ]);
    expect(errors.ok && Math.abs((errors.value[0]?.at ?? 0) - Date.now() / 1000)).toBeLessThan(10);
    const clients = await readClients(localHost, only, config.value, clock);
    expect(clients.ok && clients.value.map(({ address }) => address)).toEqual(['127.0.0.1']);

    // A log of any size is read at its end only, and the line that the cut goes through is none.
    const line = `${fixture.split('\n')[12]}\n`;
    appendFileSync(join(scratch.directory, 'logs/error.log'), line.repeat(40_000));
    const tail = await readErrors(localHost, only, config.value, clock);
    expect(tail.ok && tail.value.length).toBe(Math.floor(((256 << 10) - 1) / line.length));
    expect(tail.ok && tail.value[0]?.source).toEqual({ file: join(scratch.directory, 'logs/error.log') });
  });

  test('whose access log is cut in the middle of an address does not make up a client', async () => {
    const line = '192.0.2.77 - - [22/Nov/2026:23:36:19 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n';
    const end = line.repeat(5000).slice(-(256 << 10));
    const cut = `2.0.2.77${end.slice('2.0.2.77'.length)}`;
    const main = { ok: true, text: 'http { access_log /a.log; }', modifiedAt: 0 } as const;
    const config = { master: 1, main: '/c', prefix: '/', base: '/', files: { '/c': main }, globs: {} };
    const master = { pid: 1, prefix: '/', commandLine: 'nginx', configureArguments: '', root: '' } as NginxMaster;
    const host: Host = async (query) =>
      'read' in query && query.read === '/a.log' ? { ok: true, text: cut, stderr: '' } : { ok: false, why: 'none' };
    const clients = await readClients(host, { masters: [master], elsewhere: [] }, [config], { utcOffsetSeconds: 0 });
    expect(clients.ok && clients.value.map(({ address }) => address)).toEqual(['192.0.2.77']);
  });

  test('no logs to read is unknown when there should be some, and empty when none is configured', async () => {
    const gone = async () => ({ ok: false, why: 'Permission denied' }) as const;
    const processes = await readProcesses(localHost);
    const master = processes.ok ? processes.value.masters.find(({ prefix }) => prefix === scratch.directory) : undefined;
    if (!master) throw new Error('no master');
    const only = { masters: [master], elsewhere: [] };
    const config = await readConfig(localHost, only);
    expect(await readErrors(gone, only, config.ok ? config.value : [], { utcOffsetSeconds: 0 })).toMatchObject({ ok: false });
    expect(await readErrors(gone, { masters: [], elsewhere: [] }, [], { utcOffsetSeconds: 0 })).toEqual({ ok: true, value: [] });
  });
});

describe('/etc/hosts', () => {
  test('gives every address of a name, in lower case, without comments and junk', () => {
    const names = parseHosts(
      '127.0.0.1\tlocalhost Lab\n::1 localhost # six\n#10.0.0.1 no\n\n10.0.0.2 __proto__ constructor\nnonsense here\n',
    );
    expect(Object.entries(names)).toEqual([
      ['localhost', ['127.0.0.1', '::1']],
      ['lab', ['127.0.0.1']],
      ['__proto__', ['10.0.0.2']],
      ['constructor', ['10.0.0.2']],
    ]);
  });
});
