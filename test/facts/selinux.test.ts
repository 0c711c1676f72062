import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDenials, read } from '../../src/facts/selinux.js';
import type { Host } from '../../src/types.js';

const contexts = 'scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:system_r:httpd_t:s0';
const netRaw = `type=AVC msg=audit(1700000000.123:456): avc:  denied  { net_raw } for  pid=1234 comm="nginx" capability=13  ${contexts} tclass=capability permissive=0`;
const connect =
  'type=AVC msg=audit(1700000001.000:457): avc:  denied  { name_connect } for  pid=1234 comm="nginx" dest=8081 scontext=unconfined_u:system_r:httpd_t:s0 tcontext=system_u:object_r:transproxy_port_t:s0 tclass=tcp_socket';

const hostWith =
  (files: Readonly<Record<string, string>>): Host =>
  async (query) => {
    if ('glob' in query) return { ok: true, text: query.glob in files ? `${query.glob}\n` : '', stderr: '' };
    const text = 'read' in query ? files[query.read] : undefined;
    return text === undefined ? { ok: false, why: 'No such file or directory' } : { ok: true, text, stderr: '' };
  };

test('denials are read with their types, class, port and time', () => {
  expect(parseDenials(`${netRaw}\n${connect}\n`)).toEqual([
    { at: 1700000000.123, permissions: ['net_raw'], source: 'httpd_t', target: 'httpd_t', class: 'capability', text: netRaw },
    {
      at: 1700000001,
      permissions: ['name_connect'],
      source: 'httpd_t',
      target: 'transproxy_port_t',
      class: 'tcp_socket',
      port: 8081,
      text: connect,
    },
  ]);
});

test.each([
  ['another program', netRaw.replace('comm="nginx"', 'comm="named"')],
  ['a program that only ends in its name', netRaw.replace('comm="nginx"', 'xcomm="nginx"')],
  ['what was recorded and not denied', netRaw.replace('permissive=0', 'permissive=1')],
  ['what was granted', netRaw.replace('denied', 'granted')],
  ['another message', netRaw.replace('type=AVC', 'type=SYSCALL')],
  ['a context that is none', netRaw.replaceAll('httpd_t', '$(reboot)')],
  ['a line without end', netRaw + ' '.repeat(1000)],
])('%s is no denial of nginx', (_, line) => {
  expect(parseDenials(line)).toEqual([]);
});

test('the mode is what the kernel says, and no file is no SELinux', async () => {
  const log = { '/var/log/audit/audit.log': `${netRaw}\n` };
  expect(await read(hostWith({ ...log, '/sys/fs/selinux/enforce': '1' }))).toMatchObject({ value: { mode: 'enforcing', denials: [{}] } });
  expect(await read(hostWith({ ...log, '/sys/fs/selinux/enforce': '0' }))).toMatchObject({ value: { mode: 'permissive' } });
  expect(await read(hostWith({ ...log, '/sys/fs/selinux/enforce': 'maybe' }))).toMatchObject({ ok: false });
  expect(await read(hostWith(log))).toEqual({ ok: true, value: { mode: 'disabled', denials: [] } });
});

test('an audit log that cannot be read says why', async () => {
  expect(await read(hostWith({ '/sys/fs/selinux/enforce': '1' }))).toMatchObject({
    value: { mode: 'enforcing', denials: [], unread: '/var/log/audit/audit.log: No such file or directory' },
  });
});

test('whatever the log holds, types, classes and permissions are plain words and ports are ports', () => {
  const pieces = fc.constantFrom(
    ...netRaw.split(/(?<=[ ={}:"])/),
    ...connect.split(/(?<=[ ={}:"])/),
    '\n',
    "'",
    '$(x)',
    '65536',
    'denied  { a b } for ',
  );
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 60 }).map((some) => some.join('')),
    fc.string(),
  );
  fc.assert(
    fc.property(text, fc.string(), (middle, end) => {
      const lines = [middle, netRaw.replace('net_raw', middle), connect.replace('8081', middle), `${netRaw}${end}`].join('\n');
      for (const { source, target, class: kind, permissions, port = 1 } of parseDenials(lines)) {
        for (const word of [source, target, kind, ...permissions]) expect(word).toMatch(/^\w{1,100}$/);
        expect(port >= 1 && port <= 65_535).toBe(true);
      }
    }),
  );
});

test('what auditd adds behind a group separator changes nothing', () => {
  expect(parseDenials(`${netRaw}\x1dARCH=x86_64 SYSCALL=setsockopt`)).toHaveLength(1);
  expect(parseDenials(`${netRaw.replace('permissive=0', 'permissive=1')}\x1dARCH=x86_64`)).toEqual([]);
});

test('a port that may not be bound is told, and MLS ranges and names of hosts are no obstacle', () => {
  const bound = `node=web1 type=AVC msg=audit(1750684931.412:1187): avc:  denied  { name_bind } for  pid=2244 comm="nginx" src=8443 scontext=system_u:system_r:httpd_t:s0-s0:c0.c1023 tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket permissive=0`;
  expect(parseDenials(bound)).toMatchObject([{ permissions: ['name_bind'], port: 8443, target: 'unreserved_port_t' }]);
});

describe('without auditd', () => {
  const kernelLine = connect.replace('type=AVC msg=audit', 'audit: type=1400 audit');
  const withJournal = (text: string, why = 'No such file or directory'): Host => {
    const host = hostWith({ '/sys/fs/selinux/enforce': '1' });
    return async (query) => {
      if ('run' in query) return { ok: true, text, stderr: '' };
      return 'read' in query && query.read.startsWith('/var/log') ? { ok: false, why } : host(query);
    };
  };

  test("the kernel's log has the denials", async () => {
    const { port, at } = parseDenials(connect)[0] ?? {};
    expect(await read(withJournal(`${kernelLine}\n`))).toEqual({
      ok: true,
      value: { mode: 'enforcing', denials: [expect.objectContaining({ port, at, text: kernelLine })] },
    });
  });

  test('that it has none proves nothing: it may have lost some', async () => {
    expect(await read(withJournal('Linux version 5.14'))).toMatchObject({ value: { denials: [], unread: expect.any(String) } });
  });

  test('a log that is there and may not be read is not made up for', async () => {
    expect(await read(withJournal(kernelLine, 'Permission denied'))).toMatchObject({ value: { denials: [], unread: expect.any(String) } });
  });
});
