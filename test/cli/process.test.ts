import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadChecks, loadRules } from '../../src/engine/catalogue.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
let built = '';
let bare = '';

interface Ended {
  code: number | string | null;
  out: string;
  err: string;
}

function run(program: string, args: readonly string[], cwd = '/'): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd }, (error, out, err) => resolve({ code: error ? (error.code ?? null) : 0, out, err }));
  });
}

async function copyOfProject(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tpdoctor-'));
  await mkdir(join(directory, 'bin'));
  await copyFile(join(project, 'bin/tpdoctor'), join(directory, 'bin/tpdoctor'));
  await copyFile(join(project, 'package.json'), join(directory, 'package.json'));
  return directory;
}

beforeAll(async () => {
  [built, bare] = await Promise.all([copyOfProject(), copyOfProject()]);
  const bundler = join(project, 'node_modules/.bin/rolldown');
  await run(bundler, ['--config', '--dir', join(built, 'dist/program')], project);
  await symlink(join(built, 'bin/tpdoctor'), join(built, 'link'));
}, 120_000);

afterAll(async () => {
  for (const directory of [built, bare]) await rm(directory, { recursive: true, force: true });
});

describe('bin/tpdoctor', () => {
  it('runs from any directory and through a symbolic link', async () => {
    const version = await run(join(built, 'bin/tpdoctor'), ['--version'], '/');
    expect(version).toMatchObject({ code: 0, err: '' });
    expect(await run(join(built, 'link'), ['--version'], tmpdir())).toEqual(version);
  });

  it('says how to build it where that was not done', async () => {
    const { code, out, err } = await run(join(bare, 'bin/tpdoctor'), ['check']);
    expect({ code, out }).toEqual({ code: 70, out: '' });
    expect(err).toContain('npm ci && npm run build');
  });

  it('is ended by an interrupt while it waits for the bytes of a file', async () => {
    const pipe = join(bare, 'capture');
    await run('mkfifo', [pipe]);
    const reading = spawn(join(built, 'link'), ['trace', '--port', '53', '--read', `proxy=${pipe}`], { stdio: 'ignore' });
    const ended = once(reading, 'exit');
    // Until it has begun to wait; too early an interrupt would end it anyhow.
    await setTimeout(3000);
    reading.kill('SIGINT');
    const outcome = await Promise.race([ended, setTimeout(5000, 'still there')]);
    reading.kill('SIGKILL');
    expect(outcome).toEqual([null, 'SIGINT']);
  });

  it('exits with 64 on wrong usage', async () => {
    expect((await run(join(built, 'link'), ['check', '--host', 'proxy'])).code).toBe(64);
  });

  it('does not mind a reader that stops reading', async () => {
    const { err } = await run('/bin/sh', ['-c', `("${join(built, 'link')}" explain --json; echo "ended with $?" >&2) | true`]);
    expect(err).toBe('ended with 0\n');
  });

  it('has the whole catalogue in what was built, and needs no package beside it', async () => {
    const { code, out } = await run(join(built, 'link'), ['explain', '--json']);
    expect(code).toBe(0);
    const told = (JSON.parse(out) as { kind: string; id: string }[]).map(({ kind, id }) => `${kind} ${id}`);
    const [causes, checks] = [await loadRules(), await loadChecks()];
    expect(told.sort()).toEqual(
      [...[...causes.keys()].map((id) => `cause ${id}`), ...[...checks.keys()].map((id) => `check ${id}`)].sort(),
    );
  });
});
