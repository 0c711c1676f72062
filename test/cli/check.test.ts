import { afterEach, describe, expect, it, vi } from 'vitest';
import { runCheck } from '../../src/commands/check.js';
import type { CheckOptions, ExitCode, Io } from '../../src/commands/options.js';
import type { Report } from '../../src/types.js';
import { faulty, healthy, undetermined } from '../report/samples.js';
import { run } from './surroundings.js';

// What is asked here is how the command line becomes options and a result becomes output; hosts have tests of their own.
vi.mock('../../src/commands/check.js', () => ({ runCheck: vi.fn() }));

function ends(report: Report, exitCode: ExitCode, during?: (io: Io) => void): void {
  vi.mocked(runCheck).mockImplementation(async (_: CheckOptions, io: Io) => {
    during?.(io);
    return { report, exitCode };
  });
}

afterEach(() => {
  vi.mocked(runCheck).mockReset();
});

describe('check', () => {
  it('hands on what was asked', async () => {
    ends(healthy, 0);
    const argv = [
      '--host',
      'a=local',
      '--host',
      'b=netns:x',
      '--client',
      '10.0.0.0/8',
      '--client',
      '::1',
      '--nginx',
      '77',
      '--outbound',
      'a.example',
    ];
    const more = ['--only', 'proxy/*', '--only', 'dsr/*', '--skip', '*rp-filter*', '--timeout', '500ms', 'one.json', 'two.json'];
    await run('check', ...argv, ...more);
    expect(vi.mocked(runCheck).mock.calls[0]?.[0]).toEqual({
      version: expect.stringMatching(/^\d/),
      hosts: [
        { name: 'a', target: 'local' },
        { name: 'b', target: 'netns:x' },
      ],
      files: ['one.json', 'two.json'],
      clients: ['10.0.0.0/8', '::1'],
      nginxPid: 77,
      outbound: ['a.example'],
      only: ['proxy/*', 'dsr/*'],
      skip: ['*rp-filter*'],
      timeoutMs: 500,
    });
  });

  it('asks for nothing that nobody asked for', async () => {
    ends(healthy, 0);
    await run('check');
    const [options] = vi.mocked(runCheck).mock.calls[0] ?? [];
    expect(options).toEqual({ version: expect.any(String), hosts: [], files: [], clients: [], outbound: [], only: [], skip: [] });
  });

  it.each([
    ['20', 20_000],
    ['2.5', 2500],
    ['20s', 20_000],
    ['100ms', 100],
  ])('reads --timeout %s as %d milliseconds', async (text, milliseconds) => {
    ends(healthy, 0);
    await run('check', '--timeout', text);
    expect(vi.mocked(runCheck).mock.calls[0]?.[0].timeoutMs).toBe(milliseconds);
  });

  it.each([
    ['healthy', healthy, 0],
    ['faulty', faulty, 1],
    ['undetermined', undetermined, 2],
  ] as const)('exits with the code of the verdict in every format: %s', async (verdict, report, code) => {
    ends(report, code);
    const table = await run('check');
    const [json, output] = [await run('check', '--json'), await run('check', '--output', 'json')];
    expect(table).toMatchObject({ code, err: '' });
    expect(table.out).toContain(`(exit code ${code})`);
    expect(table.out).toContain(verdict.toUpperCase());
    expect(json.code).toBe(code);
    expect(JSON.parse(json.out)).toEqual(report);
    expect(output).toEqual(json);
  });

  it('prints only diagnoses and verdict with --quiet', async () => {
    ends(faulty, 1);
    const { out } = await run('check', '--quiet');
    expect(out).toContain('proxy/policy-rule-missing');
    expect(out).not.toContain('Hosts');
  });

  it('keeps warnings off stdout and progress off what is no terminal', async () => {
    ends(healthy, 0, (io) => {
      io.progress('asking a');
      io.warn('b is slow\x1b[2J');
    });
    const { out, err } = await run('check', '--json');
    expect(err).toBe('warning: b is slow\\x1b[2J\n');
    expect(JSON.parse(out)).toEqual(healthy);
  });

  it('calls its own failure one, with the place only when asked', async () => {
    vi.mocked(runCheck).mockRejectedValue(new Error('nonsense'));
    const [short, long] = [await run('check'), await run('check', '--verbose')];
    expect(short).toMatchObject({ code: 70, out: '' });
    expect(short.err).toContain('nonsense');
    expect(short.err).not.toMatch(/^\s+at /m);
    expect(long.err).toMatch(/^\s+at /m);
  });
});
