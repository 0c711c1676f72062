import { afterEach, describe, expect, it } from 'vitest';
import { articleTopology } from './article.js';
import { type Lab, raiseLab } from './lab.js';
import { probeServices } from './probe.js';
import { faults, furtherFaults } from './scenarios/index.js';

/* What the diagnosis test does not see: faults beyond the common ones, and that a subtle fault is what its cause says. */

let lab: Lab | undefined;
afterEach(() => lab?.remove());

/** Services whose probe fails. */
async function failing(raised: Lab): Promise<string[]> {
  const results = await Promise.all(probeServices.map(async (service) => ({ service, ...(await raised.probe(service)) })));
  return results.filter(({ ok }) => !ok).map(({ service }) => service);
}

describe('a further fault breaks what it says and nothing else', () => {
  for (const fault of furtherFaults) {
    it(fault.name, async () => {
      lab = await raiseLab(articleTopology(fault));
      await lab.change(fault.changes);
      expect(await failing(lab)).toEqual(fault.fails);
    });
  }
});

describe('a fault is what its cause says: this cure alone makes everything work', () => {
  for (const fault of [...faults, ...furtherFaults].filter(({ cure }) => cure !== undefined)) {
    it(fault.name, async () => {
      lab = await raiseLab(articleTopology(fault));
      await lab.change([...fault.changes, ...(fault.cure ?? [])]);
      expect(await failing(lab)).toEqual([]);
    });
  }
});

it('scenarios have names of their own, which begin with their cause', () => {
  const all = [...faults, ...furtherFaults];
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  expect(all.filter(({ name, cause }) => name !== cause && !name.startsWith(`${cause} (`))).toEqual([]);
});
