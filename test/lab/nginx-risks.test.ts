import { afterEach, describe, expect, it } from 'vitest';
import { broughtAbout } from '../kit/standing-risks.js';
import { articleTopology } from './article.js';
import { carryOut, check, diagnosed } from './doctor.js';
import { type Lab, raiseLab } from './lab.js';
import { nginxRisks } from './scenarios/nginx-risks.js';
import { launchNginx, stopNginx } from './services.js';

let lab: Lab | undefined;
afterEach(() => lab?.remove());

describe('a risk of nginx comes to harm under some traffic, is told as a risk, and its fix ends the harm', () => {
  for (const risk of nginxRisks) {
    it(risk.name, async () => {
      lab = await raiseLab(articleTopology(risk));
      await lab.change(risk.changes);
      const { exitCode, report } = await check(lab);
      expect(diagnosed(report)).toEqual([`risk ${risk.cause} on proxy`]);
      expect(exitCode).toBe(0);
      expect(await risk.bites(lab)).toBe(true);
      if (risk.becomesFault) expect(diagnosed((await check(lab)).report)).toEqual([`fault ${risk.cause} on proxy`]);
      await carryOut(
        lab,
        broughtAbout(report.diagnoses).flatMap(({ fix }) => fix),
      );
      expect(await risk.bites(lab)).toBe(false);
    }, 120_000);
  }
});

it('the healthy lab has its standing risks and no other', async () => {
  lab = await raiseLab();
  const { report } = await check(lab);
  expect(report.diagnoses.map(({ severity, cause, services }) => [severity, cause, services])).toEqual(
    expect.arrayContaining([
      ['risk', 'nginx/low-client-port-denied', ['udp:53']],
      ['risk', 'nginx/no-active-health-check', ['udp:53']],
    ]),
  );
  expect(broughtAbout(report.diagnoses)).toEqual([]);
});

it('workers that die of something else leave the setup undetermined, with what nginx logged', async () => {
  lab = await raiseLab();
  await lab.change([{ host: 'proxy', run: `${stopNginx}\n${launchNginx('setpriv --bounding-set=-setgid')}\nsleep 0.5` }]);
  const { exitCode, report } = await check(lab);
  expect(broughtAbout(report.diagnoses)).toEqual([]);
  expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 2, verdict: 'undetermined' });
  const [only, ...others] = report.notExamined.filter(({ what }) => what.includes('no worker left'));
  expect(only?.why).toMatch(/setgid\(\d+\) failed \(1: Operation not permitted\).*exited with fatal code 2/);
  expect(others).toEqual([]);
});
