import { expect, test } from 'vitest';
import { record, replay } from '../../src/host/recording.js';
import { openHost } from '../../src/host/target.js';
import type { Query } from '../../src/types.js';

const queries: Query[] = [
  { run: ['echo', 'a'] },
  { run: ['echo', 'a'], timeoutMs: 1000 },
  { read: '/proc/self/cmdline' },
  { read: '/etc/hosts', lastBytes: 3 },
  { glob: '/etc/host*' },
  { grep: 'local', in: '/etc/hosts' },
  { run: ['no-such-program'] },
  { run: ['line\nbreak'] },
];

test('a recording, written as JSON and read again, repeats every answer', async () => {
  const { host, recording } = record(openHost({ kind: 'local' }));
  const said = await Promise.all(queries.map((query) => host(query)));
  const again = replay(JSON.parse(JSON.stringify(recording())));
  expect(await Promise.all(queries.map((query) => again(query)))).toEqual(said);
});

test('a question that was asked twice gets both answers in turn', async () => {
  let turn = 0;
  const { host, recording } = record(async () => ({ ok: true, text: String(turn++), stderr: '' }));
  await host({ read: '/proc/uptime' });
  await host({ read: '/proc/uptime' });
  const again = replay(recording());
  const texts = [await again({ read: '/proc/uptime' }), await again({ read: '/proc/uptime' }), await again({ read: '/proc/uptime' })];
  expect(texts.map(({ text }) => text)).toEqual(['0', '1', '1']);
});

test('a question that was not asked then has no answer', async () => {
  const again = replay([{ query: { glob: '/a' }, reply: { ok: true, text: '/a\n', stderr: '' } }]);
  expect(await again({ read: '/a' })).toMatchObject({ ok: false });
  expect(await again({ glob: '/b' })).toMatchObject({ ok: false });
});
