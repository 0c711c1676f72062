import { describe, expect, it } from 'vitest';
import type { FixStep } from '../../src/types.js';
import { carryOut, check, diagnosed } from './doctor.js';
import { type Lab, raiseLab } from './lab.js';
import { failing } from './probe.js';
import { frontEndFaults, marksByFirewalld } from './scenarios/firewall-front-ends.js';
import type { Fault } from './scenarios/scenario.js';
import { topologyOf } from './topologies.js';

/* A cure on a host with firewalld or ufw is still there after their next reload, once what `persist` says was done as well. */

async function inLab(fault: Fault, use: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await raiseLab(topologyOf(fault));
  try {
    await lab.change(fault.changes);
    await use(lab);
  } finally {
    await lab.remove();
  }
}

/** The commands that close what `persist` says. */
const lastingCommands = (steps: readonly FixStep[]) =>
  steps.flatMap((step) => (step.kind === 'command' && step.persist ? (/: ((?:firewall-cmd|sed) .*)$/.exec(step.persist)?.[1] ?? []) : []));

async function cureForGood(lab: Lab, { cause, host }: Fault, reload: string): Promise<void> {
  const { report } = await check(lab);
  expect(diagnosed(report)).toEqual([`fault ${cause} on ${host}`]);
  const fix = report.diagnoses.filter(({ severity }) => severity === 'fault').flatMap((diagnosis) => diagnosis.fix);
  await carryOut(lab, fix);
  expect(await failing(lab)).toEqual([]);
  for (const command of lastingCommands(fix)) await lab.must(host, command);
  await lab.must(host, reload);
  expect(await failing(lab), `after ${reload}`).toEqual([]);
}

const about = (words: RegExp) => frontEndFaults.filter(({ name }) => words.test(name));

describe('a cure of firewalld is there after its reload', () => {
  // Marks that were typed by hand go with every reload, so here they are firewalld's own.
  const lasting = about(/firewalld/).map((fault) =>
    fault.cause === 'proxy/mark-rule-missing' || fault.host !== 'proxy'
      ? fault
      : { ...fault, changes: [...fault.changes, marksByFirewalld()] },
  );
  for (const fault of lasting) it(fault.name, () => inLab(fault, (lab) => cureForGood(lab, fault, 'firewall-cmd --reload')));
});

describe('a cure of ufw is there after its reload', () => {
  for (const fault of about(/ufw/)) it(fault.name, () => inLab(fault, (lab) => cureForGood(lab, fault, 'ufw reload')));
});
