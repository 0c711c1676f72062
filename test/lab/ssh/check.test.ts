import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../../src/types.js';
import { check } from '../doctor.js';
import { type Lab, raiseLab } from '../lab.js';
import { faults } from '../scenarios/index.js';
import { slowLink } from './link.js';
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

  it('goes to the hosts of an inventory, with the key and the configuration that lie beside it', () =>
    inLab(async (lab, { directory }) => {
      const inventory = join(directory, 'setup.yaml');
      const hosts = lab.hosts.map(({ name }) => `  ${name}: ssh://${name}`).join('\n');
      await writeFile(inventory, `ssh: { config: config, identityFile: user }\nhosts:\n${hosts}\n`);
      const { exitCode, report } = await check(lab, { targets: ['--inventory', inventory] });
      expect({ exitCode, reached: report.hosts.filter(({ reached }) => reached).length }).toEqual({
        exitCode: 0,
        reached: lab.hosts.length,
      });
    }));

  it('takes one connection and a handful of round trips', () =>
    inLab(async (lab, access) => {
      const link = await slowLink(access, 200);
      const targets = [...access.targets.slice(0, -1), link.config];
      const { exitCode } = await check(lab, { targets });
      expect(exitCode).toBe(0);
      for (const { name, namespace } of lab.hosts) {
        const log = await access.log(name);
        const counted = (what: RegExp) => log.match(what)?.length ?? 0;
        expect({ host: name, logins: counted(/^Accepted publickey/gm), shells: counted(/^Starting session/gm) }).toEqual({
          host: name,
          logins: 1,
          shells: 2,
        });
        // Some eight until ssh has logged in, three until a shell listens, one for each of seven rounds of questions.
        expect(await link.rounds(namespace)).toBeLessThanOrEqual(22);
      }
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
