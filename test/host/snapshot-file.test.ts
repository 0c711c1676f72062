import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect } from '../../src/facts/collect.js';
import { factSchemas } from '../../src/host/schema-facts.js';
import { mergeSnapshots, parseSnapshots, readSnapshots, writeSnapshots } from '../../src/host/snapshot-file.js';
import { openHost } from '../../src/host/target.js';
import type { Snapshot } from '../../src/types.js';

const takenAt = '2026-01-02T03:04:05.678Z';
const snapshot = (facts: unknown, more: object = {}) => ({ format: 1, host: 'web', takenAt, facts, ...more });
const parse = (value: unknown) => parseSnapshots(JSON.stringify(value), 'a.json');
const factsOf = (value: unknown) => {
  const read = parse(value);
  return read.ok ? read.snapshots[0]?.facts : undefined;
};

describe('a snapshot file', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'snapshot-file-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('gives back what was collected from a real host', async () => {
    const taken = await collect(openHost({ kind: 'local' }), 'here', { local: true });
    const path = join(folder, 'one.json');
    await writeSnapshots(path, [taken, { ...taken, host: 'there' }]);
    const read = await readSnapshots(path);
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
    expect(read.ok && plain(read.snapshots)).toEqual(plain([taken, { ...taken, host: 'there' }]));
    expect(Object.values(taken.facts).filter(({ ok }) => ok).length).toBeGreaterThan(15);
  });

  test('that is missing, a folder, too large or no JSON is refused by name', async () => {
    const large = join(folder, 'large.json');
    writeFileSync(large, '');
    truncateSync(large, 300 * 1024 * 1024);
    writeFileSync(join(folder, 'text.json'), 'hello');
    for (const path of [join(folder, 'none.json'), folder, large, join(folder, 'text.json')]) {
      const read = await readSnapshots(path);
      expect(!read.ok && read.why).toContain(path);
    }
  });
});

describe('what is in a file', () => {
  test('may be one snapshot or several', () => {
    expect(parse(snapshot({})).ok).toBe(true);
    const read = parse({ format: 1, snapshots: [snapshot({}), snapshot({}, { host: 'db' })] });
    expect(read.ok && read.snapshots.map(({ host }) => host)).toEqual(['web', 'db']);
  });

  test('is refused when it is another format, another shape, or its host has no usable name', () => {
    const wrong = [
      snapshot({}, { format: 2 }),
      snapshot({}, { host: '../x' }),
      snapshot({}, { takenAt: 'now' }),
      snapshot([]),
      [],
      null,
      1,
      {},
    ];
    expect(wrong.filter((value) => parse(value).ok)).toEqual([]);
    expect(parse({ format: 1, snapshots: [] }).ok).toBe(false);
  });

  test('cannot bring a prototype in', () => {
    const read = parseSnapshots(
      JSON.stringify(snapshot({ sysctls: 'HERE' })).replace('"HERE"', '{"ok":true,"value":{"__proto__":{"a":"b"}}}'),
      'a.json',
    );
    expect(read.ok).toBe(false);
    expect({}).not.toHaveProperty('a');
    const facts = factsOf(snapshot({ hostNames: { ok: true, value: { web: ['192.0.2.1'] } } }));
    expect(facts?.hostNames?.ok && Object.getPrototypeOf(facts.hostNames.value)).toBeNull();
  });

  test('loses a fact of unknown form, with the place, and keeps the others', () => {
    const facts = factsOf(
      snapshot({
        links: { ok: true, value: [{ name: 'eth0', index: 'two' }] },
        clock: { ok: true, value: { epochSeconds: 1, utcOffsetSeconds: 0, uptimeSeconds: 2 } },
        routes: { ok: false, why: 'ip: not found' },
        nft: {
          ok: true,
          value: [
            {
              source: 'nft',
              family: 'ip',
              name: 'x',
              chains: [{ name: 'c', rules: [{ text: '', steps: [{ do: 'explode' }] }] }],
              sets: {},
            },
          ],
        },
        later: { ok: true, value: 1 },
      }),
    );
    expect(facts?.links).toMatchObject({ ok: false, why: expect.stringContaining('index') });
    expect(facts?.nft?.ok).toBe(false);
    expect(facts?.clock?.ok).toBe(true);
    expect(facts?.routes).toEqual({ ok: false, why: 'ip: not found' });
    expect(facts).not.toHaveProperty('later');
  });

  test('of any kind under any fact never throws', () => {
    const facts = fc.dictionary(
      fc.constantFrom(...Object.keys(factSchemas)),
      fc.oneof(fc.jsonValue(), fc.record({ ok: fc.boolean(), value: fc.jsonValue(), why: fc.string() })),
    );
    fc.assert(
      fc.property(facts, (value) => {
        const read = parse(snapshot(value));
        expect(read.ok).toBe(!JSON.stringify(value).includes('"__proto__":'));
      }),
    );
  });

  test('nested without end is refused, not crashed on', () => {
    expect(parseSnapshots('['.repeat(200_000), 'a.json').ok).toBe(false);
    expect(parseSnapshots(`${'['.repeat(200_000)}${']'.repeat(200_000)}`, 'a.json').ok).toBe(false);
  });
});

test('of two snapshots of a host the newer one counts, and that there were two is told', () => {
  const at = (host: string, seconds: number): Snapshot => ({ format: 1, host, takenAt: `2026-01-02T03:04:0${seconds}Z`, facts: {} });
  const { byHost, doubled } = mergeSnapshots([at('a', 5), at('b', 1), at('a', 3)]);
  expect([...byHost.values()].map(({ host, takenAt: taken }) => `${host} ${taken.slice(17, 19)}`)).toEqual(['a 05', 'b 01']);
  expect(doubled).toEqual(['a']);
});
