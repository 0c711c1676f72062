import { writeFile } from 'node:fs/promises';
import { exitCodeOf } from '../engine/verdict.js';
import { caseOptionsOf, gather } from './gather.js';
import { loadJudge } from './judge.js';
import type { CheckOptions, CheckResult, Io } from './options.js';

/** `tpdoctor check`: gathers snapshots, from hosts or files, and examines them. */
export async function runCheck(options: CheckOptions, io: Io): Promise<CheckResult> {
  const started = Date.now();
  // Hosts take their time to answer: what judges the answers is loaded meanwhile.
  const [gathered, judge] = await Promise.all([gather(options, caseOptionsOf(options), io), loadJudge()]);
  const report = judge(gathered, options, started);
  if (options.record !== undefined) await keep(options.record, gathered.recordings, io);
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
