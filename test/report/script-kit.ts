import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { fixScripts, type ScriptHost } from '../../src/report/fix-script.js';
import type { Diagnosis, FixStep, Report } from '../../src/types.js';
import { faulty } from './samples.js';

/** A new directory for each test. */
export let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tpdoctor-fix-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const [sample] = faulty.diagnoses;

export function reportOf(fix: readonly FixStep[], more: Partial<Diagnosis> = {}): Report {
  if (!sample) throw new Error('no sample');
  return { ...faulty, diagnoses: [{ ...sample, cause: 'proxy/tested', verify: [], ...more, fix: [...fix] }] };
}

export const run = (command: string, undo?: string): FixStep => ({
  host: 'proxy',
  kind: 'command',
  run: command,
  why: 'because',
  ...(undo === undefined ? {} : { undo }),
});

export function edit(file: string, line: number, remove: string | null, insert: string | null): FixStep {
  return { host: 'proxy', kind: 'edit', file, line, remove, insert, why: 'because' };
}

/** Knows the files as they are now. */
export const thisMachine: ScriptHost = {
  addresses: [],
  textOf: (file) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined),
};

export interface Script {
  text: string;
  /** Runs it as a user would, by the shell that is given. */
  sh(...args: string[]): { code: number | null; out: string; err: string };
}

export function scriptFor(report: Report, host: ScriptHost = thisMachine, shell: readonly string[] = ['sh']): Script {
  const [script] = fixScripts(report, new Map([['proxy', host]]));
  if (!script) throw new Error('no script');
  const path = join(dir, script.file);
  writeFileSync(path, script.text);
  const [command = 'sh', ...first] = shell;
  return {
    text: script.text,
    sh: (...args) => {
      const { status, stdout, stderr } = spawnSync(command, [...first, path, ...args], { cwd: dir, encoding: 'utf8' });
      return { code: status, out: stdout, err: stderr };
    },
  };
}

/** Everything beside the script: a dry run or an undo must leave it as it was. */
export const surroundings = () =>
  readdirSync(dir)
    .filter((name) => name !== 'proxy.sh')
    .sort();
