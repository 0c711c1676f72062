import { writeFile } from 'node:fs/promises';
import { loadChecks, loadRules } from '../engine/catalogue.js';
import { exitCodeOf } from '../engine/verdict.js';
import type { Report } from '../types.js';
import { gather } from './gather.js';
import type { CheckOptions, CheckResult, Io } from './options.js';
import { selects } from './selection.js';

/** `tpdoctor check`: gathers snapshots, from hosts or files, and examines them. */
export async function runCheck(options: CheckOptions, io: Io): Promise<CheckResult> {
  const started = Date.now();
  const caseOptions = {
    clients: options.clients,
    roles: new Map(options.hosts.flatMap(({ name, roles }) => (roles ? [[name, roles] as const] : []))),
    ...(options.nginxPid === undefined ? {} : { nginxPid: options.nginxPid }),
  };
  // Hosts take their time to answer: what judges the answers is loaded meanwhile.
  const [gathered, { examine }, checks, rules] = await Promise.all([
    gather(options, caseOptions, io),
    import('../engine/examine.js'),
    loadChecks(),
    loadRules(),
  ]);
  const [chosenChecks, skippedChecks] = choose(checks, options);
  const [chosenRules, skippedRules] = choose(rules, options);
  const examined = examine({
    snapshots: gathered.snapshots,
    hosts: gathered.hosts,
    options: caseOptions,
    checks: chosenChecks,
    rules: chosenRules,
    skipped: [...new Set([...skippedChecks, ...skippedRules])],
  });
  if (options.record !== undefined) await keep(options.record, gathered.recordings, io);
  const report: Report = {
    schema: 'tpdoctor.report/1',
    tool: { name: 'tpdoctor', version: options.version },
    command: 'check',
    startedAt: new Date(started).toISOString(),
    tookMs: Date.now() - started,
    ...examined,
  };
  const exitCode = exitCodeOf(report.verdict);
  if (options.fixScript === undefined) return { report, exitCode };
  const { writeFixScripts } = await import('./fix-scripts.js');
  return { report, exitCode, notes: await writeFixScripts(options.fixScript, report, gathered.snapshots, io) };
}

/** A full disk must not cost the diagnosis. */
export async function keep(path: string, recordings: unknown, io: Io): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(recordings, null, 1)}\n`);
  } catch (error) {
    io.warn(`the recording was not written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function choose<T>(catalogue: ReadonlyMap<string, T>, options: Pick<CheckOptions, 'only' | 'skip'>): [Map<string, T>, string[]] {
  const chosen = [...catalogue].filter(([id]) => selects(id, options));
  return [new Map(chosen), [...catalogue.keys()].filter((id) => !selects(id, options))];
}
