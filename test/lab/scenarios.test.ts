import { afterEach, describe, expect, it } from 'vitest';
import { articleTopology } from './article.js';
import { type Lab, raiseLab } from './lab.js';
import { probeServices } from './probe.js';
import { faults } from './scenarios/index.js';

let lab: Lab | undefined;
afterEach(() => lab?.remove());

/** Services whose probe fails. */
async function failing(raised: Lab): Promise<string[]> {
  const results = await Promise.all(probeServices.map(async (service) => ({ service, ...(await raised.probe(service)) })));
  return results.filter(({ ok }) => !ok).map(({ service }) => service);
}

describe('faults', () => {
  it.each(faults)('$name breaks what it says and nothing else', async (fault) => {
    lab = await raiseLab(articleTopology(fault));
    expect(await failing(lab)).toEqual([]);
    await lab.change(fault.changes);
    expect(await failing(lab)).toEqual(fault.fails);
  });
});
