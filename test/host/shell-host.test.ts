import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shellHost } from '../../src/host/shell-host.js';
import { openHost } from '../../src/host/target.js';

const namespace = `sh${process.pid}`;
const elsewhere = openHost({ kind: 'netns', name: namespace });
const here = openHost({ kind: 'local' });
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'shell-host-'));
  execFileSync('ip', ['netns', 'add', namespace]);
});

afterAll(() => {
  execFileSync('ip', ['netns', 'del', namespace]);
  rmSync(folder, { recursive: true });
});

describe('running', () => {
  test('a namespace has links of its own', async () => {
    const reply = await elsewhere({ run: ['ip', '-br', 'link'] });
    expect(reply.text?.trim().split('\n')).toHaveLength(1);
  });

  test('words reach the program as they are and nothing in them is carried out', async () => {
    const hostile = [
      '$(touch x)',
      '`touch x`',
      '; reboot',
      '',
      ' a  b ',
      '*',
      '\\n',
      '"\'',
      '-n',
      '$HOME',
      '\t',
      'ü',
      '--',
      '${IFS}',
      '&',
      'run',
    ];
    const reply = await here({ run: ['printf', '<%s>', ...hostile] });
    expect(reply.text).toBe(hostile.map((word) => `<${word}>`).join(''));
    expect(existsSync('x')).toBe(false);
  });

  test('a line break or NUL in a question is refused before anything is sent', async () => {
    const marker = join(folder, 'injected');
    const questions = [
      { run: ['true', `a\nrun\n5\n2\ntouch\n${marker}`] },
      { read: `/etc/hosts\nrun\n5\n2\ntouch\n${marker}` },
      { glob: '/etc/\0*' },
      { grep: 'a\nb', in: '/etc/hosts' },
    ];
    const replies = await Promise.all(questions.map((query) => here(query)));
    expect(replies.map(({ ok }) => ok)).toEqual([false, false, false, false]);
    expect(existsSync(marker)).toBe(false);
  });

  test('a program that fails keeps what it printed and gives its reason', async () => {
    const reply = await here({ run: ['sh', '-c', 'echo printed; echo reason >&2; exit 3'] });
    expect(reply).toEqual({ ok: false, why: 'reason', text: 'printed\n' });
  });

  test('a program that says nothing and fails gives its exit code, one that is missing its name', async () => {
    const [failing, missing] = await Promise.all([here({ run: ['false'] }), here({ run: ['no-such-program-here'] })]);
    expect(failing).toMatchObject({ ok: false, why: 'exit code 1' });
    expect(missing).toMatchObject({ ok: false, why: 'no-such-program-here: not found' });
  });

  test('errors of a program that succeeds are kept apart from its output', async () => {
    expect(await here({ run: ['sh', '-c', 'echo said >&2; echo printed'] })).toEqual({ ok: true, text: 'printed\n', stderr: 'said\n' });
  });

  test('bytes survive: NUL, line ends, none at the end', async () => {
    const reply = await here({ run: ['printf', 'a\\000b\\r\\n\\n\\000c'] });
    expect(reply.text).toBe('a\0b\r\n\n\0c');
  });

  test('programs get nothing to read and the plain locale', async () => {
    const [input, locale] = await Promise.all([here({ run: ['cat'] }), here({ run: ['sh', '-c', 'echo $LC_ALL'] })]);
    expect([input.text, locale.text]).toEqual(['', 'C\n']);
  });

  test('a program that hangs costs its own time, not the answers behind it', async () => {
    const [hanging, next] = await Promise.all([here({ run: ['sleep', '60'], timeoutMs: 1000 }), here({ run: ['echo', 'next'] })]);
    expect(hanging).toMatchObject({ ok: false, why: 'no answer within 1 s' });
    expect(next.text).toBe('next\n');
  });
});

describe('bounds', () => {
  test('output without end is cut off at 8 MiB and flagged, and the questions behind it are answered', async () => {
    const [flood, errors, next] = await Promise.all([
      here({ run: ['head', '-c', '104857600', '/dev/zero'] }),
      here({ run: ['sh', '-c', 'yes >&2'] }),
      here({ run: ['echo', 'next'] }),
    ]);
    expect(flood).toMatchObject({ ok: true, truncated: true });
    expect(flood.text).toHaveLength(8 * 1024 * 1024);
    expect(errors).toMatchObject({ truncated: true });
    expect(next.text).toBe('next\n');
  });

  test('floods in one batch are ended after 64 MiB', async () => {
    const floods = await Promise.all(Array.from({ length: 12 }, (_, i) => here({ run: ['sh', '-c', `cat /dev/zero # ${i}`] })));
    const answered = floods.filter(({ ok }) => ok).length;
    expect(answered).toBeGreaterThan(3);
    expect(answered).toBeLessThan(12);
  });

  test('when the time of a batch is over, its processes are killed and what was answered is kept', async () => {
    const tag = `31${process.pid}`;
    const host = shellHost((program) => ['sh', '-c', program], { timeoutMs: 1500 });
    const started = Date.now();
    const [first, second, third] = await Promise.all([
      host({ run: ['echo', 'first'] }),
      host({ run: ['sh', '-c', `trap "" TERM; sleep ${tag}`], timeoutMs: 60_000 }),
      host({ run: ['echo', 'third'] }),
    ]);
    expect(first.text).toBe('first\n');
    expect([second.ok, third.ok]).toEqual([false, false]);
    expect(Date.now() - started).toBeLessThan(6000);
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n')).not.toContain(`sleep ${tag}`);
  });

  test('output cannot pass for the answer to another question', async () => {
    const nonces = await here({ run: ['sh', '-c', 'cat /proc/$PPID/cmdline | tr "\\0" "\\n"; env; tr "\\0" "\\n" </proc/$PPID/environ'] });
    expect(nonces.text).not.toMatch(/\b[0-9a-f]{32}\b/);
    const forged = `x\n${'0'.repeat(32)}\n\n0\n${'0'.repeat(32)}\n`;
    const [reply, next] = await Promise.all([
      here({ run: ['printf', '%b', JSON.stringify(forged).slice(1, -1)] }),
      here({ run: ['echo', 'next'] }),
    ]);
    expect([reply.text, next.text]).toEqual([forged, 'next\n']);
  });
});

describe('files', () => {
  test('reading tells why there is nothing to read', async () => {
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    const paths = ['/no/such/file', '/etc', join(folder, 'fifo'), '/dev/zero', '/proc/kmsg'];
    const replies = await Promise.all(paths.map((path) => here({ read: path })));
    expect(replies.map((reply) => !reply.ok && reply.why.slice(reply.why.lastIndexOf(':') + 2))).toEqual([
      'No such file or directory',
      'Is a directory',
      'not a regular file',
      'not a regular file',
      'not a regular file',
    ]);
  });

  test('only the end of a file', async () => {
    writeFileSync(join(folder, 'log'), 'one\ntwo\nthree\n');
    expect((await here({ read: join(folder, 'log'), lastBytes: 6 })).text).toBe('three\n');
  });

  test('hostile file names are names', async () => {
    const names = ['-rf', '$(touch x)', '; reboot', 'a b', 'a*b', '`id`', "q'q", 'two\nlines'];
    mkdirSync(join(folder, 'names'));
    for (const name of names) writeFileSync(join(folder, 'names', name), `content of ${name}`);
    const [listed, all] = await Promise.all([here({ glob: `${folder}/names/*` }), here({ grep: 'content', in: `${folder}/names/*` })]);
    const paths = listed.text?.trimEnd().split('\n') ?? [];
    expect(paths.map((path) => path.slice(folder.length + 7)).sort()).toEqual(names.slice(0, -1).sort());
    expect(all.text?.trimEnd().split('\n')).toHaveLength(names.length - 1);
    const read = await Promise.all(paths.map((path) => here({ read: path })));
    expect(read.map((reply) => reply.text?.slice(11)).sort()).toEqual(names.slice(0, -1).sort());
  });

  test('a pattern is expanded to paths and to nothing else', async () => {
    const patterns = ['$(touch x)*', '/etc/{hosts,passwd}', '~/*', '/etc/ho[s]t[s]', '/no/such/*'];
    const replies = await Promise.all(patterns.map((glob) => here({ glob })));
    expect(replies.map(({ ok, text }) => [ok, text])).toEqual([
      [true, ''],
      [true, ''],
      [true, ''],
      [true, '/etc/hosts\n'],
      [true, ''],
    ]);
  });

  test('searching many files names each, finding nothing is an answer, a missing file is not', async () => {
    mkdirSync(join(folder, 'many'));
    for (let i = 0; i < 600; i++) writeFileSync(join(folder, 'many', `${i}`), i % 300 === 7 ? 'here\n' : 'not\n');
    const [found, nothing, single, missing] = await Promise.all([
      here({ grep: '^here', in: `${folder}/many/*` }),
      here({ grep: 'nowhere', in: `${folder}/many/*` }),
      here({ grep: '^not', in: `${folder}/many/1` }),
      here({ grep: 'x', in: `${folder}/none` }),
    ]);
    expect(found.text).toBe(`${folder}/many/307:here\n${folder}/many/7:here\n`);
    expect(nothing).toMatchObject({ ok: true, text: '' });
    expect(single.text).toBe(`${folder}/many/1:not\n`);
    expect(missing.ok).toBe(false);
  });
});

describe('batches', () => {
  test('questions of one tick share one process, and the same question is asked once', async () => {
    let started = 0;
    const host = shellHost((program) => {
      started++;
      return ['sh', '-c', program];
    });
    const [a, b, c] = await Promise.all([
      host({ run: ['sh', '-c', 'echo $PPID $$'] }),
      host({ run: ['sh', '-c', 'echo $PPID $$'] }),
      host({ glob: '/' }),
    ]);
    expect(started).toBe(1);
    expect(a).toEqual(b);
    expect(c.text).toBe('/\n');
  });

  test('a namespace or a program that is not there is a reason, for every question', async () => {
    const [first, second] = await Promise.all(['/a', '/b'].map((glob) => openHost({ kind: 'netns', name: `${namespace}-none` })({ glob })));
    expect(first).toMatchObject({ ok: false, why: expect.stringContaining(`${namespace}-none`) });
    expect(second?.ok).toBe(false);
    expect(await shellHost(() => ['/no/such/program'])({ glob: '/*' })).toMatchObject({ ok: false });
  });

  test('a shell that ends early, or reads nothing, leaves reasons and no exception', async () => {
    const long = 'x'.repeat(2000);
    const many = Array.from({ length: 500 }, (_, i) => ({ run: ['echo', `${i}${long}`] }));
    const starts: [string, ...string[]][] = [
      ['sh', '-c', 'exit 3'],
      ['sh', '-c', 'exec <&-; sleep 5'],
      ['sleep', '5'],
    ];
    const replies = await Promise.all(starts.flatMap((start) => many.map(shellHost(() => start, { timeoutMs: 700 }))));
    expect(replies.filter((reply) => reply.ok || reply.why === '')).toEqual([]);
    const dying = shellHost((program) => ['timeout', '1', 'sh', '-c', program]);
    const [first, last] = await Promise.all([dying({ run: ['echo', 'first'] }), dying({ run: ['sleep', '5'] })]);
    expect([first.ok, last.ok]).toEqual([true, false]);
  });

  test('what a login prints before the program starts is not taken for an answer', async () => {
    const host = shellHost((program) => ['sh', '-c', 'echo "Welcome!"; echo "warning" >&2; exec sh -c "$1"', 'sh', program]);
    expect(await host({ run: ['echo', 'said'] })).toEqual({ ok: true, text: 'said\n', stderr: '' });
  });
});
