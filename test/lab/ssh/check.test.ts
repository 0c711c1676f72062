import { describe, expect, it } from 'vitest';
import type { Report } from '../../../src/types.js';
import { check } from '../doctor.js';
import { type Lab, raiseLab } from '../lab.js';
import { faults } from '../scenarios/index.js';
import { openSshd, type SshAccess } from './sshd.js';

/** What a report judges, without what names the way to a host, and without evidence, which quotes counts of the moment. */
function judgement({ verdict, hosts, services, diagnoses, findings, notExamined }: Report): unknown {
  return {
    verdict,
    hosts: hosts.map(({ target, ...host }) => host),
    services,
    diagnoses: diagnoses.map(({ evidence, ...diagnosis }) => diagnosis),
    findings: findings.map(({ evidence, ...finding }) => finding),
    notExamined,
  };
}

async function inLab(use: (lab: Lab, access: SshAccess) => Promise<void>): Promise<void> {
  const lab = await raiseLab();
  try {
    await use(lab, await openSshd(lab));
  } finally {
    await lab.remove();
  }
}

describe('a check over ssh', () => {
  it('judges the healthy article as one in its namespaces does', () =>
    inLab(async (lab, { targets }) => {
      const [near, far] = [await check(lab), await check(lab, { targets })];
      expect(far.exitCode).toBe(0);
      expect(judgement(far.report)).toEqual(judgement(near.report));
    }));

  it.each(['proxy/mark-rule-missing (http)', 'upstream/no-route-to-client'])('judges a fault as one in its namespaces does: %s', (name) =>
    inLab(async (lab, { targets }) => {
      const fault = faults.find((each) => each.name === name) ?? expect.unreachable();
      await lab.change(fault.changes);
      const [near, far] = [await check(lab), await check(lab, { targets })];
      expect(far.exitCode).toBe(1);
      expect(judgement(far.report)).toEqual(judgement(near.report));
    }),
  );
});
