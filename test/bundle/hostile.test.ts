import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCaseFile } from '../../src/bundle/case-file.js';
import { writeSnapshots } from '../../src/host/snapshot-file.js';
import { run } from '../cli/surroundings.js';
import { articleSnapshots } from '../kit/article.js';
import { archive, ownTemporary, scratch, writeArchived } from './kit.js';

const directory = scratch();
const file = (name: string): string => join(directory, name);
const good = file('good.tgz');
const temporary = ownTemporary();
const inside = 'tpdoctor-bundle';
let unpacked: { path: string; content: Buffer }[] = [];

beforeAll(async () => {
  await writeSnapshots(file('saved.json'), [...articleSnapshots().values()]);
  expect((await run('bundle', '-o', good, file('saved.json'))).err).toContain(good);
  unpacked = entriesOf(gunzipSync(await readFile(good)));
}, 60_000);

/** Without the program's own reader: names of at most 100 letters, sizes in octal. */
function entriesOf(bytes: Buffer): { path: string; content: Buffer }[] {
  const entries: { path: string; content: Buffer }[] = [];
  for (let at = 0; bytes[at] !== 0; ) {
    const size = Number.parseInt(bytes.toString('latin1', at + 124, at + 135), 8);
    entries.push({ path: bytes.toString('latin1', at, at + 100).replace(/\0.*/s, ''), content: bytes.subarray(at + 512, at + 512 + size) });
    at += 512 + 512 * Math.ceil(size / 512);
  }
  return entries;
}

type Entries = Parameters<typeof archive>[0];

async function refused(name: string, entries: Entries): Promise<string> {
  const path = await writeArchived(file('evil.tgz'), entries);
  const { code, out, err } = await run('check', '--json', path);
  expect({ name, code }).toEqual({ name, code: 2 });
  expect(JSON.parse(out).hosts).toEqual([expect.objectContaining({ reached: false, target: path })]);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
  expect(err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  expect(temporary()).toEqual([]);
  return err;
}

const asIs = (): Entries => unpacked.map(({ path, content }) => ({ path, content }));
/** The same bundle with its manifest, or another entry, written anew; hashes and sizes fit. */
function rewritten(change: (texts: Map<string, string>) => void): Entries {
  const texts = new Map(unpacked.map(({ path, content }) => [path.slice(inside.length + 1), content.toString()]));
  change(texts);
  return [...texts].map(([path, content]) => ({ path: `${inside}/${path}`, content }));
}

function withManifest(
  change: (manifest: { items: Record<string, unknown>[]; hosts: Record<string, unknown>[]; [key: string]: unknown }) => void,
): Entries {
  return rewritten((texts) => {
    const manifest = JSON.parse(texts.get('manifest.json') ?? '');
    change(manifest);
    texts.set('manifest.json', JSON.stringify(manifest));
  });
}

describe('a bundle that was packed again', () => {
  it('by plain tar is as good', async () => {
    const again = file('again');
    await mkdir(again);
    await execa('tar', ['xzf', good], { cwd: again });
    await execa('tar', ['czf', 'again.tgz', inside], { cwd: again });
    expect((await readCaseFile(join(again, 'again.tgz'))).ok).toBe(true);
  });
});

describe('an archive is refused by the entry', () => {
  it.each([
    ['that climbs out', { path: `${inside}/../../etc/cron.d/x` }],
    ['that climbs out at the end', { path: `${inside}/hosts/..` }],
    ['that is absolute', { path: '/etc/passwd' }],
    ['that lies elsewhere', { path: 'elsewhere/manifest.json' }],
    ['that begins alike', { path: `${inside}-x/manifest.json` }],
    ['that is hidden', { path: `${inside}/.bashrc` }],
    ['that looks like an option', { path: `${inside}/--checkpoint-action=exec` }],
    ['that steers the terminal', { path: `${inside}/\x1b]0;owned\x07\x1b[2J` }],
    ['that breaks lines', { path: `${inside}/a\nwarning: all is well` }],
    ['with a backslash', { path: `${inside}\\..\\x` }],
    ['that is a symbolic link', { path: `${inside}/hosts`, type: 'SymbolicLink', linkpath: '/etc' }],
    ['that is a hard link', { path: `${inside}/hosts/x`, type: 'Link', linkpath: '/etc/shadow' }],
    ['that is a device', { path: `${inside}/sda`, type: 'BlockDevice' }],
    ['that is a terminal', { path: `${inside}/tty`, type: 'CharacterDevice' }],
    ['that is a FIFO', { path: `${inside}/pipe`, type: 'FIFO' }],
    ['that renames the next', { path: 'PaxHeader/x', type: 'ExtendedHeader', content: '30 path=../../../etc/passwd\n' }],
    ['that renames the next in GNU words', { path: '././@LongLink', type: 'NextFileHasLongPath', content: '/etc/passwd\0' }],
    ['that nobody lists', { path: `${inside}/extra.txt`, content: 'x' }],
    ['whose directory climbs out', { path: `${inside}/a/../../b`, type: 'Directory' }],
  ] as const)('%s', async (name, entry) => {
    const said = await refused(name, [...asIs(), entry]);
    expect(said).toMatch(/entry/);
    for (const part of entry.path.split(/[^A-Za-z.]+/).slice(-1)) expect(said).toContain(part);
  });

  it('that is there twice', async () => {
    expect(await refused('twice', [...asIs(), ...asIs().slice(-1)])).toContain('two entries');
  });

  it('that is missing', async () => {
    for (let n = 0; n < unpacked.length; n++)
      expect(
        await refused(
          'missing',
          asIs().filter((_, m) => m !== n),
        ),
      ).toContain(unpacked[n]?.path.slice(inside.length + 1) ?? '?');
  });

  it('that was changed', async () => {
    for (const n of unpacked.slice(1).keys()) {
      const changed = asIs().map((entry, m) => (m === n + 1 ? { ...entry, content: `${entry.content} ` } : entry));
      expect(await refused('changed', changed)).toContain(unpacked[n + 1]?.path.slice(inside.length + 1) ?? '?');
    }
  });

  it('that claims to be larger than anything', async () => {
    for (const size of [2 ** 33 - 1, 2 ** 40]) {
      const bytes = archive([...asIs(), { path: `${inside}/huge`, content: 'x' }]);
      const at = bytes.indexOf(`${inside}/huge`);
      if (size < 2 ** 33) bytes.write('77777777777\0', at + 124, 'latin1');
      else {
        bytes.fill(0, at + 124, at + 136);
        bytes[at + 124] = 0x80;
        bytes.writeUIntBE(size, at + 130, 6);
      }
      bytes.fill(0x20, at + 148, at + 156);
      const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
      bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
      writeFileSync(file('huge.tgz'), gzipSync(bytes));
      const { err } = await run('check', file('huge.tgz'));
      expect(err).toMatch(/huge.*claims \d+ bytes/);
    }
  });
});

describe('an archive is refused that', () => {
  it('unpacks to far more than it is, and that costs little', async () => {
    const bomb = gzipSync(Buffer.alloc(256 << 20));
    const path = file('bomb.tgz');
    const heads = gzipSync(archive([{ path: `${inside}/captures/a.pcap`, size: 2 ** 30 - 1024 }]).subarray(0, 512));
    writeFileSync(path, Buffer.concat([heads, bomb, bomb, bomb, bomb, bomb]));
    const started = performance.now();
    const before = process.memoryUsage().rss;
    expect((await run('check', path)).err).toMatch(/unpacks to/);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  });

  it('has more entries than anybody looks through', async () => {
    const many = Array.from({ length: 100_001 }, (_, n) => ({ path: `${inside}/hosts/${n}` }));
    expect(await refused('many', many)).toContain('more than 100000 entries');
  }, 30_000);

  it.each([
    ['is cut', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['is cut at its end', (bytes: Buffer) => bytes.subarray(0, bytes.length - 9)],
    ['has a wrong sum', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -8), Buffer.alloc(8)])],
    ['is nothing but its first bytes', (bytes: Buffer) => bytes.subarray(0, 10)],
    ['is compressed twice', (bytes: Buffer) => gzipSync(bytes)],
    ['is compressed text', () => gzipSync('hello')],
    ['is compressed nothing', () => gzipSync('')],
    ['is an empty archive', () => gzipSync(Buffer.alloc(1024))],
  ])('%s', async (_, spoil) => {
    await writeFile(file('spoilt.tgz'), spoil(readFileSync(good)));
    const { code, err } = await run('check', file('spoilt.tgz'));
    expect(code).toBe(2);
    expect(err).toMatch(/^warning: .*spoilt\.tgz cannot be used as a bundle: /);
  });

  it('is larger than anybody reads', async () => {
    const path = file('large.tgz');
    await writeFile(path, readFileSync(good));
    await truncate(path, 2 ** 30 + 1);
    const started = performance.now();
    expect((await run('check', path)).code).toBe(2);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('a manifest is refused that', () => {
  it.each([
    ['has another format', (m) => Object.assign(m, { format: 2 }), 'format'],
    ['names a host that is none', (m) => Object.assign(m.hosts[0] ?? {}, { name: '../x' }), 'hosts.0.name'],
    ['looks for a snapshot elsewhere', (m) => Object.assign(m.hosts[0] ?? {}, { snapshot: '../../etc/passwd' }), 'hosts.0.snapshot'],
    ['takes another file for a snapshot', (m) => Object.assign(m.hosts[0] ?? {}, { snapshot: 'README.txt' }), 'README.txt'],
    ['takes the snapshot of another host', (m) => Object.assign(m.hosts[0] ?? {}, { snapshot: m.hosts[1]?.snapshot }), 'another host'],
    ['has sizes below nothing', (m) => Object.assign(m.items[0] ?? {}, { size: -1 }), 'items.0.size'],
    ['has no hosts', (m) => Object.assign(m, { hosts: 7 }), 'hosts'],
    ['lists an entry twice', (m) => m.items.push({ ...(m.items[0] ?? expect.unreachable()) }), 'lists an entry twice'],
    ['has a hash that is none', (m) => Object.assign(m.items[0] ?? {}, { sha256: 'x' }), 'items.0.sha256'],
  ] satisfies [string, Parameters<typeof withManifest>[0], string][])('%s', async (name, change, said) => {
    expect(await refused(name, withManifest(change))).toContain(said);
  });

  it('has keys that would change all objects: they change nothing', async () => {
    const entries = rewritten((texts) =>
      texts.set(
        'manifest.json',
        (texts.get('manifest.json') ?? '').replace('{', '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},'),
      ),
    );
    expect((await readCaseFile(await writeArchived(file('proto.tgz'), entries))).ok).toBe(true);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('nests deeper than can be read', async () => {
    expect(
      await refused(
        'deep',
        rewritten((texts) => texts.set('manifest.json', '['.repeat(300_000))),
      ),
    ).toContain('manifest.json');
  });
});

describe('a snapshot in a bundle is read as any snapshot is', () => {
  const withSnapshot = (content: string): Entries =>
    rewritten((texts) => {
      const path = [...texts.keys()].find((each) => each.endsWith('/snapshot.json')) ?? '';
      const manifest = JSON.parse(texts.get('manifest.json') ?? '');
      for (const item of manifest.items) if (item.path === path) item.sha256 = createHash('sha256').update(content).digest('hex');
      texts.set('manifest.json', JSON.stringify(manifest)).set(path, content);
    });

  it.each([
    ['junk', '\0\x1b[2J{{{'],
    [
      'a key that would change all objects',
      '{"format":1,"host":"client","takenAt":"2025-01-01T00:00:00Z","facts":{"__proto__":{"ok":true}}}',
    ],
    ['the snapshot of a host that is not named', '{"format":1,"host":"evil","takenAt":"2025-01-01T00:00:00Z","facts":{}}'],
  ])('%s is refused', async (name, content) => {
    expect(await refused(name, withSnapshot(content))).toContain('snapshot.json');
  });
});
