import { quote } from '../cures/shell.js';
import type { Diagnosis, Report } from '../types.js';
import { fileNames } from './fix-script/names.js';
import { type Planned, planSteps, type ScriptHost } from './fix-script/plan.js';
import { program } from './fix-script/program.js';
import { wrap } from './layout.js';
import { sanitize } from './sanitize.js';

export type { ScriptHost } from './fix-script/plan.js';

export interface FixScript {
  host: string;
  /** Name of its file, without a directory. */
  file: string;
  text: string;
}

/**
 * The faults' cures as one POSIX script for each host, in the order in which they are to be run. Risks are left out: nothing fails because of them.
 * A script shows its steps, does them (`apply`) or takes them back (`undo`).
 */
export function fixScripts(report: Report, known: ReadonlyMap<string, ScriptHost>): FixScript[] {
  const faults = report.diagnoses.filter(({ severity }) => severity === 'fault');
  const hosts = [...new Set(faults.flatMap(({ fix }) => fix.map((step) => step.host)))];
  const files = fileNames(hosts);
  const order = hosts.map((host) => files.get(host) ?? host);
  const stamp = report.startedAt.replace(/\.\d+/, '').replace(/[^0-9TZ]/g, '');
  return hosts.map((host, i) => {
    const steps = planSteps(host, faults, known.get(host), stamp);
    const own = faults.filter(({ fix }) => fix.some((step) => step.host === host));
    const file = order[i] ?? host;
    const parts = [
      '#!/bin/sh',
      ...header(report, own, host, file, order),
      `name=${quote(file)}`,
      `host=${quote(sanitize(host))}`,
      ...inFunction('steps', steps.flatMap(doing)),
      ...afterwards(own, steps),
      ...inFunction('back', undoing(steps)),
      ...inFunction('this_host', identity(known.get(host)?.addresses ?? [])),
      '',
      program,
    ];
    return { host, file, text: `${parts.join('\n')}\n` };
  });
}

function header(report: Report, faults: readonly Diagnosis[], host: string, file: string, order: readonly string[]): string[] {
  const { tool, startedAt } = report;
  const others =
    order.length > 1
      ? ['', `Several hosts have a script; run them in this order: ${order.join(', ')}. To take back, begin with the last.`]
      : [];
  const risks = report.diagnoses.filter((each) => each.severity === 'risk' && each.fix.some((step) => step.host === host));
  const left = risks.length > 0 ? [`Left out, as they are risks and no faults: ${risks.map(({ cause }) => cause).join(', ')}.`] : [];
  return [
    ...comment(
      `What cures the faults that ${tool.name} ${tool.version} found on ${host} at ${startedAt}. ${tool.name} carries out nothing itself.`,
    ),
    '#',
    `#   sh ${file}         shows the steps and changes nothing`,
    `#   sh ${file} apply   does them, as root on this host; stops where something is not as it was`,
    `#   sh ${file} undo    takes back what was done, in reverse order`,
    '#',
    ...faults.flatMap(({ cause, certainty, summary }) => comment(`${cause} (${certainty}): ${summary}`)),
    ...[...left, ...others].flatMap((line) => comment(line)),
    '',
  ];
}

/** Of our making or of a host's: nothing in it ends the comment. */
function comment(text: string): string[] {
  return wrap(sanitize(text), 110).map((line) => `# ${line}`.trimEnd());
}

function inFunction(name: string, lines: readonly string[]): string[] {
  return ['', `${name}() {`, ...(lines.length > 0 ? lines : [':']), '}'];
}

/** Whether this is the host that was asked: it still has one of its addresses. */
function identity(addresses: readonly string[]): string[] {
  if (addresses.length === 0) return [];
  return [
    '  command -v ip >/dev/null || return 0',
    `  for address in ${addresses.map(quote).join(' ')}; do`,
    '    [ -z "$(ip -o address show to "$address" 2>/dev/null)" ] || return 0',
    '  done',
    '  return 1',
  ];
}

function doing(step: Planned): string[] {
  const place = `${step.number} ${quote(sanitize(step.cause))}`;
  const why = ['', ...comment(step.why)];
  if (step.kind === 'command') {
    const known = step.sysctl ? [step.sysctl.name, step.sysctl.before, step.sysctl.after] : [];
    return [...why, ...withInput(['run_step', place, ...known].join(' '), step.run)];
  }
  if (step.kind === 'hand')
    return [
      ...why,
      ...withInput(
        `hand_step ${place}`,
        step.text
          .split('\n')
          .map((line) => sanitize(line))
          .join('\n'),
      ),
    ];
  const call = `edit_step ${place} ${step.how} ${quote(step.file)} ${step.line} ${quote(step.copy)}`;
  return [...why, ...withInput(call, `${step.old}\n${step.new}`)];
}

/** Each step backwards. A reload is done anew after the edits that it follows are taken back. */
function undoing(steps: readonly Planned[]): string[] {
  const lines: string[] = [];
  let reload: string[] = [];
  for (const [i, step] of [...steps.entries()].reverse()) {
    if (step.kind === 'hand') continue;
    if (step.kind === 'edit') {
      lines.push(`undo_edit ${step.number} ${quote(step.file)} ${quote(step.copy)}`);
      continue;
    }
    if (step.nginx === 'reload' && steps.slice(0, i).some(({ kind }) => kind === 'edit')) {
      lines.push(...reload);
      reload = withInput(`undo_reload ${step.number}`, step.run);
    } else if (step.undo === undefined) lines.push(`${step.nginx ? 'undo_nothing' : 'undo_never'} ${step.number}`);
    else lines.push(...withInput(`undo_run ${step.number}`, step.undo));
  }
  return [...lines, ...reload];
}

/** A here-document that nothing is expanded in; its end is no line of the text. */
function withInput(call: string, text: string): string[] {
  const lines = text.split('\n');
  let end = 'END';
  while (lines.includes(end)) end = `${end}_`;
  return [`${call} <<'${end}'`, ...lines, end];
}

function afterwards(faults: readonly Diagnosis[], steps: readonly Planned[]): string[] {
  const verify = faults.flatMap((diagnosis) => diagnosis.verify);
  const persist = [...new Set(steps.flatMap((step) => (step.kind === 'command' && step.persist !== undefined ? [step.persist] : [])))];
  return [
    ...(verify.length > 0 ? ['', '# To see that it worked:', ...verify.map((line) => `#   ${sanitize(line)}`)] : []),
    ...(persist.length > 0 ? ['', '# To keep it over a reboot:', ...persist.flatMap((line) => comment(line))] : []),
  ];
}
