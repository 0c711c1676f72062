import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Report } from '../../src/types.js';
import { broughtAbout } from '../kit/standing-risks.js';
import { type Lab, raiseLab } from '../lab/lab.js';

// One healthy lab; what a test spoils is made whole before the next.

let lab: Lab;
beforeAll(async () => {
  lab = await raiseLab();
  await lab.must('proxy', 'cp nginx.conf kept.conf');
}, 60_000);
afterAll(() => lab.remove());
beforeEach(() => lab.must('proxy', 'cp -p kept.conf nginx.conf; : > error.log'));

const program = fileURLToPath(new URL('../../bin/tpdoctor', import.meta.url));
/** Tells on stderr how much memory was used at most, in KiB. */
const measured = `data:text/javascript,process.on('exit',()=>process.stderr.write('maxrss='+process.resourceUsage().maxRSS))`;

interface Ran {
  code: number | undefined;
  out: string;
  err: string;
  /** Milliseconds. */
  took: number;
}

async function run(args: readonly string[], within: readonly string[] = []): Promise<Ran> {
  const started = Date.now();
  const [command = process.execPath, ...rest] = [...within, process.execPath, '--import', measured, program, 'check', ...args];
  const { exitCode, stdout, stderr } = await execa(command, rest, { reject: false, timeout: 50_000 });
  return { code: exitCode, out: stdout, err: stderr, took: Date.now() - started };
}

async function report(args: readonly string[], within: readonly string[] = []): Promise<Ran & { report: Report }> {
  const ran = await run(['--json', ...args], within);
  return { ...ran, report: JSON.parse(ran.out) as Report };
}

const target = (host: string): string => `netns:${lab.namespaceOf(host)}`;
const hostOf = ({ hosts }: Report, name: string) => hosts.find((host) => host.name === name);

/** All the hosts of the lab were reached, nginx's services were judged, and nothing is accused. */
function expectTheRest({ hosts, services, diagnoses, findings }: Report): void {
  for (const { name } of lab.hosts) expect(hosts).toContainEqual(expect.objectContaining({ name, reached: true }));
  expect(services.length).toBeGreaterThan(3);
  expect(diagnoses.filter(({ severity }) => severity === 'fault')).toEqual([]);
  expect(findings.filter(({ status }) => status === 'pass').length).toBeGreaterThan(100);
  expect(findings.filter(({ status }) => status === 'crash')).toEqual([]);
}

describe('a host', () => {
  it('that is not there is named with the reason, and the others are examined', async () => {
    const { code, err, report: said } = await report([...lab.hostArguments(), '--host', 'ghost=netns:nowhere']);
    expect(code).toBe(2);
    expect(err).toMatch(/warning: ghost: .*nowhere/);
    expect(hostOf(said, 'ghost')).toMatchObject({ reached: false, why: expect.stringContaining('nowhere') });
    expectTheRest(said);
  });

  it('that does not answer in time costs no more than the time, and nothing is accused', async () => {
    const { code, took, report: said } = await report([...lab.hostArguments(), '--timeout', '100ms']);
    expect(code).toBe(2);
    expect(took).toBeLessThan(10_000);
    expect(said.diagnoses).toEqual([]);
    const reasons = JSON.stringify([said.hosts, said.notExamined]);
    for (const { name } of lab.hosts) expect(reasons).toContain(name);
    expect(said.notExamined.length).toBeGreaterThan(0);
  });

  it('without nginx is said to have none, with what to do', async () => {
    const { code, report: said } = await report(['--host', `client=${target('client')}`, '--host', `dev1=${target('dev1')}`]);
    expect(code).toBe(2);
    expect(said.services).toEqual([]);
    expect(said.notExamined).toContainEqual(expect.objectContaining({ what: 'any service', settle: expect.stringContaining('--host') }));
  });

  it('whose nginx runs in another namespace is told so, with its pid', async () => {
    const pid = (await lab.must('proxy', 'cat nginx.pid')).trim();
    const { code, report: said } = await report(['--host', `proxy=${target('client')}`]);
    expect(code).toBe(2);
    const elsewhere = said.notExamined.find(({ why }) => why.includes('another network namespace'));
    expect(elsewhere?.what).toMatch(/^proxy: nginx/);
    expect(elsewhere?.settle).toContain('netns:');
    // Other nginx of this machine are listed too, so that many of them may leave no room for this one's.
    expect(elsewhere?.what).toMatch(new RegExp(`\\b${pid}\\b|more`));
  });
});

describe('nginx.conf', () => {
  it.each([
    ['removed', 'rm nginx.conf'],
    ['replaced by a directory', 'rm nginx.conf; mkdir nginx.conf'],
    ['replaced by a FIFO', 'rm nginx.conf; mkfifo nginx.conf'],
  ])('%s after the start is named, and nothing is accused', async (_, spoil) => {
    await lab.must('proxy', spoil);
    try {
      const { code, took, report: said } = await report(lab.hostArguments());
      expect(code).toBe(2);
      expect(took).toBeLessThan(15_000);
      expect(said.diagnoses).toEqual([]);
      expect(said.notExamined).toContainEqual(expect.objectContaining({ what: expect.stringMatching(/^proxy: .*nginx\.conf/) }));
    } finally {
      await lab.must('proxy', 'rm -rf nginx.conf');
    }
  });

  it('that now includes itself is read once, with the line that does it', async () => {
    await lab.must('proxy', 'echo "include nginx.conf;" >> nginx.conf');
    const { code, report: said } = await report(lab.hostArguments());
    expect(code).toBe(2);
    expect(said.notExamined).toContainEqual(
      expect.objectContaining({
        what: expect.stringMatching(/^proxy: .*nginx\.conf:\d+$/),
        why: expect.stringContaining('includes itself'),
      }),
    );
    expectTheRest(said);
  });
});

/** A line as nginx writes it: an upstream of the DNS service timed out just now. */
async function timedOut(upstream: string): Promise<string> {
  const now = (await lab.must('proxy', 'date +"%Y/%m/%d %H:%M:%S"')).trim();
  const what = 'upstream timed out (110: Connection timed out) while proxying connection';
  return `${now} [error] 1#1: *1 ${what}, udp client: 192.168.99.50, server: 0.0.0.0:53, upstream: "${upstream}"\n`;
}

describe('the error log', () => {
  it('of 100 MB costs no more time and memory than a short one, and its end is read', async () => {
    const log = join(lab.directoryOf('proxy'), 'error.log');
    await truncate(log, 100_000_000);
    await writeFile(log, `\n${await timedOut('172.16.0.11:53')}`, { flag: 'a' });
    const { took, err, report: said } = await report(lab.hostArguments());
    expect(took).toBeLessThan(20_000);
    // KiB; a short log takes about 115 MiB.
    expect(Number(/maxrss=(\d+)/.exec(err)?.[1])).toBeLessThan(220_000);
    expectTheRest(said);
    expect(said.findings).toContainEqual(expect.objectContaining({ check: 'nginx/log-without-upstream-timeouts', status: 'warn' }));
  });

  it('of junk and escape sequences is read past, and nothing of it steers the terminal', async () => {
    const log = join(lab.directoryOf('proxy'), 'error.log');
    const junk = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 2_654_435_761) >>> 24));
    await writeFile(log, Buffer.concat([junk, Buffer.from(`\n${await timedOut('172.16.0.11:53\x1b[2J\x1b]0;owned\x07')}`)]));
    const { out, err } = await run([...lab.hostArguments(), '--verbose', '--no-color']);
    expect(out).toContain('timed out');
    expect(out + err).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
    expectTheRest((await report(lab.hostArguments())).report);
  });
});

describe('a tool', () => {
  it('that cannot be run leaves what it would have told unknown, and says which it is', async () => {
    const hide = 'mount --bind /dev/null "$(command -v nft)" && exec "$@"';
    const { code, report: said } = await report(lab.hostArguments(), ['unshare', '-m', 'sh', '-c', hide, 'sh']);
    expect(code).toBe(2);
    expect(broughtAbout(said.diagnoses)).toEqual([]);
    for (const { name } of lab.hosts) expect(hostOf(said, name)).toMatchObject({ reached: true });
    expect(said.notExamined).toContainEqual(
      expect.objectContaining({ what: expect.stringMatching(/^proxy\b/), why: expect.stringMatching(/nft.*(denied|not found)/) }),
    );
  });
});

const envelope = (facts: string): string => `{"format":1,"host":"evil","takenAt":"2025-01-01T00:00:00Z","facts":${facts}}`;

describe('a snapshot file', () => {
  it.each([
    ['junk', '\0\x1b[2J{{{'],
    ['nothing', ''],
    ['another document', '[1,2,3]'],
    ['deep nesting', '['.repeat(200_000)],
    ['a key that would change all objects', envelope('{"__proto__":{"ok":true,"value":[]}}')],
  ])('of %s is refused by name, and the others are examined', async (_, text) => {
    const file = join(lab.directoryOf('client'), 'evil.json');
    await writeFile(file, text);
    const { code, err, report: said } = await report([...lab.hostArguments(), '--host', `evil=${file}`]);
    expect(code).toBe(2);
    expect(hostOf(said, 'evil')).toMatchObject({ reached: false, why: expect.stringContaining('evil.json') });
    expect(err).toContain('warning: evil: ');
    expect(err).not.toContain('\x1b');
    expectTheRest(said);
  });

  it('of wrong types deep inside loses those facts alone', async () => {
    const file = join(lab.directoryOf('client'), 'evil.json');
    const routes = '{"ok":true,"value":[{"family":4,"type":"unicast","to":{},"table":"main","nextHops":"x","metric":[]}]}';
    const sysctls = '{"ok":true,"value":{"constructor":"1","net/ipv4/ip_forward":{"toString":1}}}';
    await writeFile(file, envelope(`{"routes":${routes},"sysctls":${sysctls},"nginx":{"ok":true,"value":7},"later":{"ok":true}}`));
    const { code, report: said } = await report([...lab.hostArguments(), '--host', `evil=${file}`]);
    expect(code).toBe(2);
    expect(said.notExamined).toContainEqual(
      expect.objectContaining({ what: expect.stringMatching(/^evil: nginx/), why: expect.stringContaining('form') }),
    );
    expectTheRest(said);
  });

  it.each([
    ['larger than can be read', async (file: string) => truncate(file, 300 * 1024 * 1024)],
    ['that never ends', async (file: string) => lab.must('client', `rm -f ${file} && ln -s /dev/zero ${file}`)],
    ['that nobody writes to', async (file: string) => lab.must('client', `rm -f ${file} && mkfifo ${file}`)],
  ])('%s is refused', async (_, make) => {
    const file = join(lab.directoryOf('client'), 'large.json');
    await writeFile(file, '');
    await make(file);
    const { code, took, report: said } = await report(['--host', `proxy=${target('proxy')}`, '--host', `evil=${file}`]);
    expect({ code, slow: took > 20_000 }).toEqual({ code: 2, slow: false });
    expect(hostOf(said, 'evil')).toMatchObject({ reached: false, why: expect.stringContaining('large.json') });
    await lab.must('client', `rm -f ${file}`);
  });
});
