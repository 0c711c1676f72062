import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
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

/** The running program, to be interrupted. */
export function traceProcess(lab: Lab, args: readonly string[], targets: readonly string[] = lab.hostArguments()) {
  return execa(process.execPath, [program, 'trace', '--json', ...targets, ...args], { reject: false });
}

/** The same with `trace`. */
export async function trace(lab: Lab, args: readonly string[], targets: readonly string[] = lab.hostArguments()): Promise<Examined> {
  const run = await traceProcess(lab, args, targets);
  if (run.stdout === '') throw new Error(run.stderr);
  return { exitCode: run.exitCode, report: JSON.parse(run.stdout) as Report };
}

/** Waits until a packet socket is open on every host, and a moment for those of further links. */
export async function captureOn(lab: Pick<Lab, 'must' | 'hosts'>): Promise<void> {
  for (const { name } of lab.hosts) await lab.must(name, 'until [ "$(wc -l < /proc/net/packet)" -gt 1 ]; do sleep 0.1; done');
  await setTimeout(1000);
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
  const hosts = [...new Set(steps.map(({ host }) => host))];
  const before = new Map<string, string>();
  for (const host of hosts) before.set(host, (await lab.exec(host, workers)).stdout);
  for (const step of steps) {
    if (step.kind === 'command') await lab.must(step.host, step.run);
    else await edit(step);
  }
  // Each worker has its own turn of the upstreams, so traffic over old and new ones would seem to miss some.
  for (const host of hosts) {
    const reloaded = steps.some((step) => step.host === host && step.kind === 'command' && step.run.endsWith(' -s reload'));
    if (reloaded) await until(async () => isReloaded(before.get(host) ?? '', (await lab.exec(host, workers)).stdout));
    await until(async () => (await lab.exec(host, leaving)).stdout === '');
  }
}

const workers = `pgrep -f '^nginx: worker process$' --ns $$ --nslist net || true`;
const leaving = `pgrep -f '^nginx: worker process is shutting down' --ns $$ --nslist net || true`;

/** A reload is a signal: the command is back before the master has read its configuration. Old workers are told to go when new ones have started. */
function isReloaded(before: string, now: string): boolean {
  const running = now.split('\n');
  return before === '' ? now !== '' : before.split('\n').some((pid) => !running.includes(pid));
}

/** Five seconds at most: what did not happen by then is for the traffic to show. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 50 && !(await isSo()); turn++) await setTimeout(100);
}

async function edit({ file, line, remove, insert }: FixStep & { kind: 'edit' }): Promise<void> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const before = lines[line - 1] ?? '';
  if (remove === null) lines.splice(line - 1, 0, insert ?? '');
  else if (before.includes(remove)) lines[line - 1] = before.replace(remove, () => insert ?? '');
  else throw new Error(`${file}:${line} has no "${remove}" but: ${before}`);
  await writeFile(file, lines.join('\n'));
}
