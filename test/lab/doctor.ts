import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Diagnosis, FixStep, Report } from '../../src/types.js';
import { broughtAbout } from '../kit/standing-risks.js';
import type { Lab } from './lab.js';

const program = fileURLToPath(new URL('../../bin/tpdoctor', import.meta.url));

export interface Examined {
  exitCode: number | undefined;
  report: Report;
}

/** Runs the built program as a user would: over the hosts of a lab, or over other hosts and files that `targets` names. */
export async function check(
  lab: Lab,
  { args = [], targets = lab.hostArguments() }: { args?: readonly string[]; targets?: readonly string[] } = {},
): Promise<Examined> {
  const run = await execa(process.execPath, [program, 'check', '--json', ...targets, ...args], { reject: false });
  return { exitCode: run.exitCode, report: JSON.parse(run.stdout) as Report };
}

/** Causes with their hosts and severities but standing risks, as a test compares them. */
export function diagnosed(report: Report): string[] {
  return broughtAbout(report.diagnoses).map(named);
}

/** The same with the risks that the setup always has. */
export function everythingDiagnosed(report: Report): string[] {
  return report.diagnoses.map(named);
}

function named({ severity, cause, host }: Pick<Diagnosis, 'severity' | 'cause' | 'host'>): string {
  return `${severity} ${cause} on ${host}`;
}

/** Does what the report says, step by step, as it is printed, and lets nginx's old workers go. A step that cannot be carried out throws. */
export async function carryOut(lab: Lab, steps: readonly FixStep[]): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'command') await lab.must(step.host, step.run);
    else await edit(step);
  }
  // Each worker has its own turn of the upstreams, so traffic over old and new ones would seem to miss some.
  const leaving = `pgrep -f 'nginx: worker process is shutting down' --ns $$ --nslist net`;
  const hosts = new Set(steps.map(({ host }) => host));
  for (const host of hosts)
    await lab.must(host, `sleep 0.2; n=0; while ${leaving} >/dev/null && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done`);
}

async function edit({ file, line, remove, insert }: FixStep & { kind: 'edit' }): Promise<void> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const before = lines[line - 1] ?? '';
  if (remove === null) lines.splice(line - 1, 0, insert ?? '');
  else if (before.includes(remove)) lines[line - 1] = before.replace(remove, () => insert ?? '');
  else throw new Error(`${file}:${line} has no "${remove}" but: ${before}`);
  await writeFile(file, lines.join('\n'));
}
