import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeSnapshots } from '../../src/host/snapshot-file.js';
import { articleSnapshots } from '../kit/article.js';
import { scratch } from './kit.js';

const program = fileURLToPath(new URL('../../bin/tpdoctor', import.meta.url));
const directory = scratch();
const saved = join(directory, 'saved.json');
beforeAll(() => writeSnapshots(saved, [...articleSnapshots().values()]));

/** Its own directory for temporary files, so that what it leaves there is seen. */
async function place(name: string): Promise<{ out: string; env: Record<string, string>; left(): Promise<string[]> }> {
  const [here, temporary] = [join(directory, name), join(directory, `${name}-tmp`)];
  await mkdir(here);
  await mkdir(temporary);
  return {
    out: join(here, 'case.tgz'),
    env: { TMPDIR: temporary },
    left: async () => [...(await readdir(here)), ...(await readdir(temporary))],
  };
}

describe('nothing is left of a bundle', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'that %s ends while packets are captured',
    async (signal) => {
      const { out, env, left } = await place(signal);
      const running = execa(
        process.execPath,
        [program, 'bundle', '--trace', '60', '--port', '80', '-o', out, '--host', 'here=local', saved],
        { env, reject: false },
      );
      while ((await left()).length === 0) await setTimeout(20);
      await setTimeout(300);
      running.kill(signal);
      const { exitCode } = await running;
      expect({ exitCode, left: await left() }).toEqual({ exitCode: 128 + { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }[signal], left: [] });
    },
    30_000,
  );

  it('that is interrupted at any moment', async () => {
    const { out, env, left } = await place('anytime');
    for (let ms = 100; ms <= 1000; ms += 90) {
      const running = execa(process.execPath, [program, 'bundle', '-o', out, '--overwrite', saved], { env, reject: false });
      await setTimeout(ms);
      running.kill('SIGINT');
      await running;
      expect((await left()).filter((name) => name !== 'case.tgz')).toEqual([]);
      await rm(out, { force: true });
    }
  }, 60_000);

  it('that does not fit onto the disk, and it says so', async () => {
    const { out, env, left } = await place('full');
    const small = join(directory, 'full');
    // A file system of its own, of which all but one page is taken.
    const script = `mount -t tmpfs -o size=64k none "$1" && head -c 57344 /dev/zero > "$1/filler" && shift && "$@"; status=$?; ls -A "${small}"; exit $status`;
    const { exitCode, stdout, stderr } = await execa(
      'unshare',
      ['-m', 'sh', '-c', script, 'sh', small, process.execPath, program, 'bundle', '-o', out, saved],
      {
        env,
        reject: false,
      },
    );
    expect({ exitCode, there: stdout.split('\n'), left: await left() }).toEqual({ exitCode: 70, there: ['filler'], left: [] });
    expect(stderr).toMatch(/^error: .*case\.tgz was not written, and nothing is left of it: .*ENOSPC/m);
  }, 30_000);
});

describe('a bundle is refused before any host is asked', () => {
  it.each([
    ['whose directory is not there', (name: string) => join(directory, name, 'nowhere', 'case.tgz')],
    ['that would replace a directory', () => tmpdir()],
  ])('%s', async (name, out) => {
    const { exitCode, stderr } = await execa(process.execPath, [program, 'bundle', '-o', out(name)], { reject: false });
    expect({ exitCode, said: stderr.split('\n').length }).toEqual({ exitCode: 64, said: 1 });
  });
});
