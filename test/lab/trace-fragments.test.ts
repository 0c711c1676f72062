import { expect, it } from 'vitest';
import type { Report } from '../../src/types.js';
import { upstreams } from './article.js';
import { captureOn, carryOut, check, diagnosed, traceProcess } from './doctor.js';
import { inLab } from './in-lab.js';
import type { Change, Lab } from './lab.js';
import { largeRecord, startDnsmasq, stopDnsmasq } from './services.js';

/*
 * Large answers by Direct Server Return, which the lab's own rewrite, as it matches a port, takes the first fragment of.
 */

const largeAnswers = upstreams.map(
  ({ name, address, answer }): Change => ({ host: name, run: `${stopDnsmasq(53)}\n${startDnsmasq(address, 53, answer)}${largeRecord}` }),
);

const asked = 8;

async function traced(lab: Lab): Promise<{ report: Report; answered: number }> {
  const running = traceProcess(lab, ['--port', '53', '--duration', '60']);
  await captureOn(lab);
  const ask = 'dig +short +time=1 +tries=1 +ignore +bufsize=4096 TXT @192.168.99.10 large.example.com || true';
  const said = await lab.must('client', `for n in $(seq ${asked}); do ${ask}; done`);
  running.kill('SIGINT');
  return { report: JSON.parse((await running).stdout) as Report, answered: said.split('\n').filter((line) => line.includes('xxx')).length };
}

it('answers whose later fragments keep the upstream’s address are a fault that packets alone tell, and its cure lets them through', () =>
  inLab({ changes: largeAnswers }, async (lab) => {
    expect(diagnosed((await check(lab)).report)).toEqual([]);
    const before = await traced(lab);
    expect(before.answered).toBe(0);
    expect(diagnosed(before.report)).toEqual(['fault dsr/fragments-not-rewritten on proxy']);
    const [diagnosis] = before.report.diagnoses;
    expect(diagnosis).toMatchObject({ certainty: 'proven', services: ['udp:53'] });
    expect(before.report.trace?.transactions).toEqual({ total: asked, complete: 0, failed: asked, ambiguous: 0 });
    expect(new Set(before.report.trace?.patterns.map(({ end, upstream }) => `${end} ${upstream}`))).toEqual(
      new Set(upstreams.map(({ address }) => `misdelivered ${address}`)),
    );

    await carryOut(lab, diagnosis?.fix ?? []);
    const after = await traced(lab);
    expect(after.answered).toBe(asked);
    expect(diagnosed(after.report)).toEqual([]);
    expect(after.report).toMatchObject({ verdict: 'healthy', trace: { transactions: { total: asked, complete: asked } } });
  }));
