import { afterEach, describe, expect, it } from 'vitest';
import { type Lab, raiseLab } from './lab.js';
import { failing } from './probe.js';
import { faults, furtherFaults, oddities, risks } from './scenarios/index.js';
import { topologyOf } from './topologies.js';

/* What the diagnosis test does not see: faults beyond the common ones, and that a subtle fault is what its cause says. */

let lab: Lab | undefined;
afterEach(() => lab?.remove());

describe('a further fault breaks what it says and nothing else', () => {
  for (const fault of furtherFaults) {
    it(fault.name, async () => {
      lab = await raiseLab(topologyOf(fault));
      await lab.change(fault.changes);
      expect(await failing(lab)).toEqual(fault.fails);
    });
  }
});

describe('a fault is what its cause says: this cure alone makes everything work', () => {
  for (const fault of [...faults, ...furtherFaults].filter(({ cure }) => cure !== undefined)) {
    it(fault.name, async () => {
      lab = await raiseLab(topologyOf(fault));
      await lab.change([...fault.changes, ...(fault.cure ?? [])]);
      expect(await failing(lab)).toEqual([]);
    });
  }
});

it('scenarios have names of their own, and those of faults and risks begin with their cause', () => {
  const judged = [...faults, ...furtherFaults, ...risks];
  const names = [...judged, ...oddities].map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  expect(judged.filter(({ name, cause }) => name !== cause && !name.startsWith(`${cause} (`))).toEqual([]);
});
