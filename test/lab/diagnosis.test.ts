import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { broughtAbout } from '../kit/standing-risks.js';
import { carryOut, check, diagnosed, everythingDiagnosed } from './doctor.js';
import { expectNothingSecret, expectSameFromBundle } from './from-bundle.js';
import { inLab } from './in-lab.js';
import type { Lab } from './lab.js';
import { failing } from './probe.js';
import { type Fault, faults, type Oddity, oddities, type Risk, risks, type Scenario } from './scenarios/index.js';
import { type TopologyName, topologyNames } from './topologies.js';

async function diagnoseAndCure(lab: Lab, fault: Fault): Promise<void> {
  expect(await failing(lab), 'what the fault breaks').toEqual(fault.fails);
  const wanted = fault.outbound === undefined ? [] : ['--outbound', fault.outbound];
  const saved = join(lab.dir, 'saved.json');
  const { exitCode, report } = await check(lab, { args: [...wanted, '--save', saved] });
  expect(diagnosed(report)).toEqual([`fault ${fault.cause} on ${fault.host}`]);
  expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 1, verdict: 'faulty' });
  await expectSameFromBundle(report, saved);
  const fix = broughtAbout(report.diagnoses).flatMap((diagnosis) => diagnosis.fix);
  expect(fix).not.toEqual([]);
  await carryOut(lab, fix);
  expect(await failing(lab, fault.leftOut), 'what still fails after the fix').toEqual([]);
  if (fault.outbound !== undefined) expect((await check(lab, { args: wanted })).exitCode).toBe(0);
}

/** How many of a hundred requests are answered, of each service. */
async function answeredOf(lab: Lab, services: readonly string[]): Promise<number[]> {
  const answered: number[] = [];
  for (const service of services) answered.push((await lab.probe(service, 100)).answered);
  return answered;
}

async function tellAndCure(lab: Lab, { cause, host, loses = [], leaves = [] }: Risk): Promise<void> {
  const told = `risk ${cause} on ${host}`;
  if (loses.length === 0) expect(await failing(lab)).toEqual([]);
  for (const answered of await answeredOf(lab, loses)) expect(answered).toBeLessThan(100);
  const { exitCode, report } = await check(lab);
  expect(everythingDiagnosed(report)).toContain(told);
  expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 0, verdict: 'healthy' });
  await carryOut(
    lab,
    report.diagnoses.filter((diagnosis) => diagnosis.cause === cause && diagnosis.host === host).flatMap(({ fix }) => fix),
  );
  for (const answered of await answeredOf(lab, loses)) expect(answered).toBe(100);
  expect(await failing(lab)).toEqual([]);
  const { report: after } = await check(lab);
  expect(everythingDiagnosed(after)).not.toContain(told);
  expect(diagnosed(after)).toEqual(leaves);
}

async function findHealthy(lab: Lab, { lacks = [] }: Pick<Oddity, 'lacks'>): Promise<void> {
  expect(await failing(lab)).toEqual(lacks);
  const saved = join(lab.dir, 'saved.json');
  const { exitCode, report } = await check(lab, { args: ['--save', saved] });
  await expectNothingSecret(saved);
  expect(report.diagnoses.filter(({ severity }) => severity === 'fault')).toEqual([]);
  expect(report.findings.filter(({ status }) => status === 'fail' || status === 'crash')).toEqual([]);
  expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 0, verdict: 'healthy' });
}

const on =
  (name: TopologyName) =>
  ({ topology = 'article' }: Scenario): boolean =>
    topology === name;

describe.each(topologyNames)('%s', (topology) => {
  it('is healthy as it is raised', () =>
    inLab({ topology, changes: [] }, async (lab) => {
      await findHealthy(lab, {});
      expect(diagnosed((await check(lab)).report)).toEqual([]);
    }));

  // Two labs at a time: much of a lab's life is waiting for timeouts.
  describe.concurrent('a fault is diagnosed exactly, and its fix restores real traffic', () => {
    for (const fault of faults.filter(on(topology))) it(fault.name, () => inLab(fault, (lab) => diagnoseAndCure(lab, fault)));
  });

  const risksHere = risks.filter(on(topology));
  // A suite without a test fails.
  if (risksHere.length > 0)
    describe('a risk is told, but is no fault', () => {
      for (const risk of risksHere) it(risk.name, () => inLab(risk, (lab) => tellAndCure(lab, risk)));
    });

  describe.concurrent('what is odd but whole is not accused', () => {
    for (const oddity of oddities.filter(on(topology))) it(oddity.name, () => inLab(oddity, (lab) => findHealthy(lab, oddity)));
  });
});
