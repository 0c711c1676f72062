import { type Lab, raiseLab } from './lab.js';
import type { Scenario } from './scenarios/index.js';
import { topologyOf } from './topologies.js';

/** Raises the scenario's lab and removes it afterwards, whatever happens. */
export async function inLab(scenario: Omit<Scenario, 'name'>, use: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await raiseLab(topologyOf(scenario));
  try {
    await lab.change(scenario.changes);
    await use(lab);
  } finally {
    await lab.remove();
  }
}
