import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/types.js';
import { articleTopology } from './article.js';
import { check, diagnosed } from './doctor.js';
import { type Lab, raiseLab } from './lab.js';
import { faults } from './scenarios/index.js';

/** What must not depend on how the snapshots came together. */
function judgement({ verdict, hosts, diagnoses, services }: Report) {
  const said = diagnoses.map(({ cause, host, severity, services: concerned, fix }) => ({ cause, host, severity, concerned, fix }));
  return {
    verdict,
    roles: hosts.map(({ name, roles }) => ({ name, roles })),
    said,
    services: services.map(({ id, mode }) => ({ id, mode })),
  };
}

describe('snapshots are as good as live hosts', () => {
  let lab: Lab;
  let live: Report;
  const saved = (name: string) => join(lab.dir, `${name}.json`);

  beforeAll(async () => {
    const broken = ['proxy/policy-rule-missing', 'upstream/no-route-to-client'].flatMap(
      (name) => faults.find((fault) => fault.name === name) ?? [],
    );
    lab = await raiseLab(articleTopology());
    for (const { changes } of broken) await lab.change(changes);
    live = (await check(lab, { args: ['--save', saved('all')] })).report;
  });
  afterAll(() => lab.remove());

  it('two faults at once are both named', () => {
    expect(diagnosed(live).sort()).toEqual(['fault proxy/policy-rule-missing on proxy', 'fault upstream/no-route-to-client on dev4']);
  });

  it('one file of all hosts gives the same judgement', async () => {
    const whole = await check(lab, { targets: [saved('all')] });
    expect(judgement(whole.report)).toEqual(judgement(live));
    expect(whole.exitCode).toBe(1);
  });

  it('files taken apart, host by host, give it when they are brought together', async () => {
    for (const { name, namespace } of lab.hosts)
      await check(lab, { targets: ['--host', `${name}=netns:${namespace}`], args: ['--save', saved(name)] });
    const targets = lab.hosts.flatMap(({ name }) => ['--host', `${name}=${saved(name)}`]);
    const { report, exitCode } = await check(lab, { targets });
    expect(judgement(report)).toEqual(judgement(live));
    expect(exitCode).toBe(1);
  });
});
