import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { readCaseFile } from '../../src/bundle/case-file.js';
import { directoryOf, type Item, snapshotItem } from '../../src/bundle/items.js';
import { packBundle } from '../../src/bundle/pack.js';
import { articleSnapshots } from '../kit/article.js';
import { pcapFile } from '../kit/captures.js';
import { Dice, mutated } from '../packets/mutate.js';
import { archive, ownTemporary, scratch } from './kit.js';

/** Bundles. `ROUNDS=100000 npx vitest run test/bundle/fuzz.test.ts` is the long run. */
const rounds = Number(process.env.ROUNDS ?? 2500);

const directory = scratch();
const path = join(directory, 'fuzzed.tgz');
const temporary = ownTemporary();
let packed: Buffer;
let entries: { path: string; content: Buffer }[];

beforeAll(async () => {
  const names = ['proxy', 'dev1'];
  const snapshots = [...articleSnapshots().values()].filter(({ host }) => names.includes(host));
  const capture = pcapFile([{ bytes: new Uint8Array(60) }]);
  const trace = { ports: [53], window: { from: '2026-11-23T10:00:00Z', to: '2026-11-23T10:00:09Z' }, points: [], counters: [] };
  const made = (entry: Item['entry'], content: string | Uint8Array): Item => ({ entry, content: Buffer.from(content) });
  const items = [
    ...snapshots.map((snapshot, n) => snapshotItem(directoryOf(n, snapshot.host), snapshot)),
    made({ path: 'trace.json', kind: 'trace', from: 'x', ok: true }, JSON.stringify(trace)),
    made({ path: 'captures/1-proxy-eth0.pcap', kind: 'capture', host: 'proxy', iface: 'eth0', from: 'x', ok: true }, capture),
  ];
  const hosts = snapshots.map(({ host }, n) => ({
    name: host,
    target: 'local',
    reached: true,
    snapshot: `${directoryOf(n, host)}/snapshot.json`,
  }));
  const tool = { name: 'tpdoctor' as const, version: '0' };
  const about = { format: 1 as const, tool, createdAt: '2026-11-23T10:00:00Z', asked: { clients: [] }, hosts };
  await packBundle(path, about, items, { mostBytes: 2 ** 24, overwrite: true });
  packed = readFileSync(path);
  entries = items.flatMap(({ entry, content }) =>
    entry.path !== undefined && Buffer.isBuffer(content) ? [{ path: entry.path, content }] : [],
  );
  expect(entries).toHaveLength(4);
});

/** A slice of a Buffer is no copy. */
const changed = (bytes: Buffer, dice: Dice): Uint8Array => mutated(Uint8Array.from(bytes), dice);

/** An entry's bytes changed, with hashes and sizes that fit, so that what is inside is read. */
function changedInside(dice: Dice): Buffer {
  const victim = dice.roll(entries.length + 1);
  const contents = entries.map(({ path: name, content }, n) => ({
    name,
    content: n === victim ? Buffer.from(changed(content, dice)) : content,
  }));
  const text = gunzipSync(packed).toString('utf8', 512, 512 + manifestSize());
  const manifest = JSON.parse(text) as { items: { path?: string; size: number; sha256?: string }[] };
  for (const item of manifest.items) {
    const found = contents.find(({ name }) => name === item.path);
    if (found) Object.assign(item, { size: found.content.length, sha256: createHash('sha256').update(found.content).digest('hex') });
  }
  const own = Buffer.from(JSON.stringify(manifest));
  const first = victim === entries.length ? Buffer.from(changed(own, dice)) : own;
  return archive(
    [{ name: 'manifest.json', content: first }, ...contents].map(({ name, content }) => ({ path: `tpdoctor-bundle/${name}`, content })),
  );
}

function manifestSize(): number {
  return Number.parseInt(gunzipSync(packed).toString('latin1', 124, 135), 8);
}

/** The sums of headers made right again, so that what else they say is looked at. */
function resealed(bytes: Uint8Array): Buffer {
  const sealed = Buffer.from(bytes);
  for (let at = 0; at + 512 <= sealed.length; at += 512) {
    if (sealed.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    sealed.fill(0x20, at + 148, at + 156);
    const sum = sealed.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    sealed.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return sealed;
}

const ways: readonly ((dice: Dice) => Uint8Array)[] = [
  (dice) => changed(packed, dice),
  (dice) => gzipSync(changed(gunzipSync(packed), dice), { level: 1 }),
  (dice) => gzipSync(resealed(changed(gunzipSync(packed), dice)), { level: 1 }),
  (dice) => gzipSync(changedInside(dice), { level: 1 }),
];

test('no bundle, however it was changed, makes reading it fail otherwise than by a word of it, take long, or leave a file', async () => {
  const cwd = readdirSync('.');
  const outcomes = { good: 0, refused: 0 };
  for (let round = 0; round < rounds; round++) {
    const dice = new Dice(round);
    const bytes = dice.pick(ways)(dice);
    writeFileSync(path, bytes);
    const started = performance.now();
    const read = await readCaseFile(path, { captures: dice.roll(2) === 0 });
    expect(performance.now() - started, `round ${round}`).toBeLessThan(5000);
    if (read.ok) {
      outcomes.good++;
      for (const capture of read.trace?.captures ?? []) capture.close();
    } else {
      outcomes.refused++;
      expect(read.why, `round ${round}`).toContain('fuzzed.tgz');
      expect(read.why.length, `round ${round}`).toBeLessThan(1000);
    }
  }
  expect({ temporary: temporary(), cwd: readdirSync('.') }).toEqual({ temporary: [], cwd });
  expect(readdirSync(directory)).toEqual(['fuzzed.tgz']);
  // Both happen, else nothing was tried.
  expect(Math.min(outcomes.good, outcomes.refused)).toBeGreaterThan(rounds / 100);
}, 3_600_000);
