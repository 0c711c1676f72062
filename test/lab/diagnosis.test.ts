import { describe, expect, it } from 'vitest';
import { broughtAbout } from '../kit/standing-risks.js';
import { articleTopology } from './article.js';
import { carryOut, check, diagnosed } from './doctor.js';
import { type Lab, raiseLab } from './lab.js';
import { type ProbeService, probeServices } from './probe.js';
import { type Fault, faults, oddities, type Scenario } from './scenarios/index.js';

/** Services whose real traffic fails now. An upstream that is left out answers nothing, but nobody may miss it. */
async function failing(lab: Lab, leftOut?: string): Promise<ProbeService[]> {
  const results = await Promise.all(probeServices.map(async (service) => ({ service, ...(await lab.probe(service)) })));
  const isWhole = ({ problems }: (typeof results)[number]) =>
    problems.every((problem) => leftOut !== undefined && problem === `never met: ${leftOut}`);
  return results.filter((result) => !isWhole(result)).map(({ service }) => service);
}

async function inLab(scenario: Scenario, use: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await raiseLab(articleTopology(scenario));
  try {
    await lab.change(scenario.changes);
    await use(lab);
  } finally {
    await lab.remove();
  }
}

async function diagnoseAndCure(lab: Lab, fault: Fault): Promise<void> {
  expect(await failing(lab), 'what the fault breaks').toEqual(fault.fails);
  const wanted = fault.outbound === undefined ? [] : ['--outbound', fault.outbound];
  const { exitCode, report } = await check(lab, { args: wanted });
  expect(diagnosed(report)).toEqual([`fault ${fault.cause} on ${fault.host}`]);
  expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 1, verdict: 'faulty' });
  const fix = broughtAbout(report.diagnoses).flatMap((diagnosis) => diagnosis.fix);
  expect(fix).not.toEqual([]);
  await carryOut(lab, fix);
  expect(await failing(lab, fault.leftOut), 'what still fails after the fix').toEqual([]);
  if (fault.outbound !== undefined) expect((await check(lab, { args: wanted })).exitCode).toBe(0);
}

// Two labs at a time: much of a lab's life is waiting for timeouts.
describe.concurrent('a fault is diagnosed exactly, and its fix restores real traffic', () => {
  for (const fault of faults.filter(({ severity }) => severity === 'fault')) {
    it(fault.name, () => inLab(fault, (lab) => diagnoseAndCure(lab, fault)));
  }
});

describe('a risk is told, but is no fault', () => {
  for (const risk of faults.filter(({ severity }) => severity === 'risk')) {
    it(risk.name, () =>
      inLab(risk, async (lab) => {
        expect((await lab.probe('dns', 100)).answered).toBeLessThan(100);
        const { exitCode, report } = await check(lab);
        expect(diagnosed(report)).toEqual([`risk ${risk.cause} on ${risk.host}`]);
        expect(exitCode).toBe(0);
        await carryOut(
          lab,
          broughtAbout(report.diagnoses).flatMap((diagnosis) => diagnosis.fix),
        );
        expect((await lab.probe('dns', 100)).answered).toBe(100);
      }),
    );
  }
});

describe.concurrent('what is odd but whole is not accused', () => {
  for (const oddity of oddities) {
    it(oddity.name, () =>
      inLab(oddity, async (lab) => {
        expect(await failing(lab)).toEqual(oddity.lacks ?? []);
        const { exitCode, report } = await check(lab);
        expect(report.diagnoses.filter(({ severity }) => severity === 'fault')).toEqual([]);
        expect(report.findings.filter(({ status }) => status === 'fail' || status === 'crash')).toEqual([]);
        expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 0, verdict: 'healthy' });
      }),
    );
  }
});
