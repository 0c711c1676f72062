import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCaseFile } from '../../src/bundle/case-file.js';
import { directoryOf, type Item, replyItems, snapshotItem } from '../../src/bundle/items.js';
import type { Manifest } from '../../src/bundle/manifest.js';
import { packBundle } from '../../src/bundle/pack.js';
import { articleSnapshots } from '../kit/article.js';
import { pcapFile } from '../kit/captures.js';
import { scratch } from './kit.js';

const directory = scratch();
const path = join(directory, 'case.tgz');
const snapshots = [...articleSnapshots().values()];
const hosts = snapshots.map(({ host }, n) => ({
  name: host,
  target: 'x',
  reached: true,
  snapshot: `${directoryOf(n, host)}/snapshot.json`,
}));
const createdAt = '2026-11-23T10:00:00Z';
const about: Omit<Manifest, 'items' | 'leftOut'> = {
  format: 1,
  tool: { name: 'tpdoctor', version: '0' },
  createdAt,
  asked: { clients: [] },
  hosts,
};

const ofSnapshots = snapshots.map((snapshot, n) => snapshotItem(directoryOf(n, snapshot.host), snapshot));
const reply = (words: string, text: string, truncated?: true) => ({
  query: { run: words.split(' ') },
  reply: { ok: true as const, text, stderr: '', ...(truncated ? { truncated } : {}) },
  tookMs: 7,
});

it('what does not fit is left out and named; what comes behind it may still fit, and snapshots always do', async () => {
  const replies = replyItems('hosts/1-client', 'client', [
    reply('a', 'x'.repeat(600)),
    reply('b', 'y'.repeat(6000)),
    reply('c', 'z'.repeat(300)),
  ]);
  const room = ofSnapshots.reduce((sum, { content }) => sum + (Buffer.isBuffer(content) ? content.length : 0), 0) + 1000;
  const { leftOut } = await packBundle(path, about, [...ofSnapshots, ...replies], { mostBytes: room, overwrite: true });
  expect(leftOut).toEqual([{ path: 'hosts/1-client/replies/0002-b.txt', size: 6000, why: expect.stringContaining('--max-size') }]);
  const none = await packBundle(path, about, [...ofSnapshots, ...replies], { mostBytes: 0, overwrite: true });
  expect(none.leftOut).toHaveLength(3);
  const read = await readCaseFile(path);
  expect(read.ok && read.hosts.map(({ snapshot }) => snapshot?.host)).toEqual(snapshots.map(({ host }) => host));
});

it('the manifest tells of every answer where it came from and how it ended, also of those that hold nothing', () => {
  const items = replyItems('hosts/1-client', 'client', [
    reply('ip -j route show', '[]', true),
    { query: { read: '/var/log/x', lastBytes: 9 }, reply: { ok: false, why: 'exit code 1: no such file' }, tookMs: 3 },
    { query: { glob: '/etc/*' }, reply: { ok: true, text: '', stderr: 'a warning' } },
  ]);
  expect(items.map(({ entry }) => entry)).toEqual([
    {
      path: 'hosts/1-client/replies/0001-ip-j-route-show.txt',
      kind: 'reply',
      host: 'client',
      from: 'ip -j route show',
      ok: true,
      tookMs: 7,
      truncated: true,
    },
    { kind: 'reply', host: 'client', from: 'tail -c 9 /var/log/x', ok: false, why: 'exit code 1: no such file', tookMs: 3 },
    { kind: 'reply', host: 'client', from: 'ls -d /etc/*', ok: true },
    expect.objectContaining({ path: 'hosts/1-client/replies/0003-ls-d-etc.stderr.txt', ok: true }),
  ]);
});

it.each([
  ['that was cut', { truncated: true as const }, 2 ** 20],
  ['of which another one was left out', {}, 100],
])('packets of a capture %s prove no loss', async (_, cut, mostBytes) => {
  const of = { kind: 'capture' as const, host: 'client', iface: 'eth0', from: 'x', ok: true };
  const points = [{ host: 'client', iface: 'eth0', packets: 1, dropped: 0 }];
  const notes = { ports: [53], window: { from: createdAt, to: createdAt }, points, counters: [] };
  const capture = (n: number, size: number): Item => ({
    entry: { ...of, path: `captures/${n}-client-eth0.pcap`, ...cut },
    content: Buffer.from(pcapFile([{ bytes: new Uint8Array(size) }])),
  });
  const ofTrace: Item = { entry: { path: 'trace.json', kind: 'trace', from: 'x', ok: true }, content: Buffer.from(JSON.stringify(notes)) };
  const small = { ...about, hosts: hosts.slice(0, 1) };
  const first = ofSnapshots.slice(0, 1);
  const room = mostBytes + first.reduce((sum, { content }) => sum + (Buffer.isBuffer(content) ? content.length : 0), 0) + 300;
  await packBundle(path, small, [...first, ofTrace, capture(1, 20), capture(2, 2000)], { mostBytes: room, overwrite: true });
  const read = await readCaseFile(path, { captures: true });
  const trace = read.ok ? read.trace : undefined;
  expect(trace?.points).toEqual([{ ...points[0], partial: expect.stringContaining('only a part') }]);
  for (const each of trace?.captures ?? []) {
    expect((await readFile(each.file)).readUInt32LE(0)).toBe(0xa1b2c3d4);
    each.close();
  }
  expect(await readCaseFile(path)).not.toHaveProperty('trace');
});

it('no host is called so that its files lie elsewhere', async () => {
  const named = ['..', '.', '-x', 'a', 'A'].map((host) => ({ format: 1 as const, host, takenAt: createdAt, facts: {} }));
  const items: Item[] = named.flatMap((snapshot, n) => {
    const own = directoryOf(n, snapshot.host);
    return [snapshotItem(own, snapshot), ...replyItems(own, snapshot.host, [reply('../../x $(y) `z`', 'text')])];
  });
  const own = named.map(({ host }, n) => ({ name: host, target: 'x', reached: true, snapshot: `${directoryOf(n, host)}/snapshot.json` }));
  await packBundle(path, { ...about, hosts: own }, items, { mostBytes: 2 ** 20, overwrite: true });
  const read = await readCaseFile(path);
  expect(read.ok && read.hosts.map(({ name }) => name)).toEqual(['..', '.', '-x', 'a', 'A']);
  expect((await readFile(path)).length).toBeGreaterThan(100);
});
