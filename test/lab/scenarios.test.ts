import { afterEach, describe, expect, it } from 'vitest';
import { articleTopology } from './article.js';
import { type Lab, raiseLab } from './lab.js';
import { probeServices } from './probe.js';
import { faults, furtherFaults, oddities } from './scenarios/index.js';

let lab: Lab | undefined;
afterEach(() => lab?.remove());

/** Services whose probe fails. */
async function failing(raised: Lab): Promise<string[]> {
  const results = await Promise.all(probeServices.map(async (service) => ({ service, ...(await raised.probe(service)) })));
  return results.filter(({ ok }) => !ok).map(({ service }) => service);
}

describe('faults', () => {
  for (const fault of [...faults, ...furtherFaults].filter(({ severity }) => severity === 'fault')) {
    it(`${fault.name} breaks what it says and nothing else`, async () => {
      lab = await raiseLab(articleTopology(fault));
      await lab.change(fault.changes);
      expect(await failing(lab)).toEqual(fault.fails);
      if (fault.cure === undefined) return;
      await lab.change(fault.cure);
      expect(await failing(lab)).toEqual([]);
    });
  }
});

describe('risks', () => {
  it('dsr/replies-caught-by-early-demux loses some answers, and none without early demux', async () => {
    const [risk] = faults.filter(({ severity }) => severity === 'risk');
    lab = await raiseLab();
    expect(await lab.probe('dns', 100)).toMatchObject({ ok: true });
    await lab.change(risk?.changes ?? []);
    const { answered } = await lab.probe('dns', 100);
    expect(answered).toBeLessThan(100);
  });
});

describe('oddities', () => {
  for (const oddity of oddities) {
    it(`${oddity.name}: everything works`, async () => {
      lab = await raiseLab(articleTopology(oddity));
      await lab.change(oddity.changes);
      expect(await failing(lab)).toEqual(oddity.lacks ?? []);
    });
  }
});
