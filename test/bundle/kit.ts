import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header, type HeaderData } from 'tar/header';
import { afterAll, vi } from 'vitest';
import type { Report } from '../../src/types.js';
import { run } from '../cli/surroundings.js';

/** A directory for the tests of one file. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tpbundle-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A directory of its own for what the program writes for a while; others use the machine's. Tells what is in it. */
export function ownTemporary(): () => string[] {
  const directory = scratch();
  vi.stubEnv('TMPDIR', directory);
  return () => readdirSync(directory);
}

/** A report without what two runs over the same facts cannot have in common. */
export function withoutTimes({ startedAt: _, tookMs: __, hosts, ...rest }: Report): unknown {
  return { ...rest, hosts: hosts.map(({ target: ___, ...host }) => host) };
}

export async function reportOf(...argv: string[]): Promise<Report> {
  const { out, err } = await run(...argv, '--json');
  if (out === '') throw new Error(err);
  return JSON.parse(out) as Report;
}

/** An archive of any entries, also such as no bundle has. */
export function archive(entries: readonly ({ content?: string | Buffer } & HeaderData)[]): Buffer {
  const blocks = entries.flatMap(({ content = '', ...about }) => {
    const bytes = Buffer.from(content);
    const header = new Header({ type: 'File', mode: 0o600, uid: 0, gid: 0, size: bytes.length, mtime: new Date(0), ...about });
    header.encode();
    return [header.block ?? Buffer.alloc(0), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export async function writeArchived(path: string, entries: Parameters<typeof archive>[0]): Promise<string> {
  await writeFile(path, gzipSync(archive(entries)));
  return path;
}
