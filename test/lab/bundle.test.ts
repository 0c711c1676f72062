import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/types.js';
import { withoutTimes } from '../bundle/kit.js';
import { check, diagnosed, type Examined, trace } from './doctor.js';
import { type Lab, raiseLab } from './lab.js';
import { faults } from './scenarios/index.js';
import { askWithSecrets, plantSecrets, unwanted } from './secrets.js';

const program = fileURLToPath(new URL('../../bin/tpdoctor', import.meta.url));

async function bundle(lab: Lab, file: string, args: readonly string[] = []): Promise<Examined> {
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    [program, 'bundle', '--json', ...lab.hostArguments(), '-o', file, ...args],
    {
      reject: false,
    },
  );
  if (stdout === '') throw new Error(stderr);
  return { exitCode, report: JSON.parse(stdout) as Report };
}

/** How requests end by service and upstream. How many there were differs by those that were under way when the captures ended. */
function endings({ trace: told }: Report): Set<string> {
  const over = (told?.patterns ?? []).filter(({ end }) => end !== 'ambiguous');
  return new Set(over.map(({ service, upstream, end, vanishedAfter: at }) => `${service} ${upstream} ${end} ${at?.host} ${at?.iface}`));
}

describe('a bundle of a faulty setup with secrets', () => {
  let lab: Lab;
  let live: Examined;
  let made: Examined;
  const file = (name: string): string => join(lab.directoryOf('client'), name);
  const texts = new Map<string, string>();

  beforeAll(async () => {
    lab = await raiseLab();
    await plantSecrets(lab);
    await lab.change(faults.find(({ name }) => name === 'proxy/mark-rule-missing (http)')?.changes ?? []);
    await askWithSecrets(lab);
    live = await check(lab, { args: ['--save', file('saved.json')] });
    let over = false;
    const asking = (async () => {
      while (!over) await askWithSecrets(lab);
    })();
    made = await bundle(lab, file('case.tgz'), ['--trace', '3s', '--port', '80', '--port', '5300', '--probe']);
    over = true;
    await asking;
    await execa('tar', ['xzf', file('case.tgz')], { cwd: lab.directoryOf('client') });
    for (const path of await readdir(file('tpdoctor-bundle'), { recursive: true }))
      texts.set(path, await readFile(join(file('tpdoctor-bundle'), path), 'latin1').catch(() => ''));
  }, 60_000);
  afterAll(() => lab.remove());

  it('names the fault', () => {
    expect(live.exitCode).toBe(1);
    expect(diagnosed(live.report)).toEqual(['fault proxy/mark-rule-missing on proxy']);
    expect({ exitCode: made.exitCode, found: diagnosed(made.report) }).toEqual({ exitCode: 1, found: diagnosed(live.report) });
  });

  it.each(unwanted)('has no secret of %s', (_, secret) => {
    const found = [...texts].filter(([path, text]) => text.includes(secret) || path.includes(secret)).map(([path]) => path);
    expect(found).toEqual([]);
  });

  it('had them within its reach', async () => {
    const saved = await readFile(file('saved.json'), 'utf8');
    const reached = unwanted.filter(([, secret]) => saved.includes(secret)).map(([place]) => place);
    for (const place of ['authorizationHeader', 'cookieHeader', 'variable', 'mapKey', 'urlInLog', 'commandLine', 'ruleComment'])
      expect(reached).toContain(place);
  });

  it('judges as the hosts were judged, though secrets are gone', async () => {
    await execa(process.execPath, [program, 'bundle', file('saved.json'), '-o', file('saved.tgz')], { reject: false });
    const { exitCode, report } = await check(lab, { targets: [file('saved.tgz')] });
    expect(exitCode).toBe(1);
    expect(withoutTimes(report)).toEqual(withoutTimes(live.report));
  });

  it('gives the verdict of the trace again', async () => {
    const { exitCode, report } = await trace(lab, [file('case.tgz')], []);
    expect(exitCode).toBe(1);
    expect(diagnosed(report)).toEqual(diagnosed(made.report));
    expect([...endings(report)]).toEqual(expect.arrayContaining([...endings(made.report)]));
    expect(report.diagnoses.map(({ certainty }) => certainty)).toEqual(made.report.diagnoses.map(({ certainty }) => certainty));
  });
});
