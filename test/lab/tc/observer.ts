import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Guest, kernelHasTcNat } from './guest.js';
import { ofProject } from './root.js';
import type { TcScenario } from './scenario.js';
import { type Observed, Session } from './session.js';

/** Sees what comes of scenarios, one after the other in the order of their list. */
export interface Observer {
  observe(scenario: TcScenario): Promise<Observed>;
  stop(): Promise<void>;
}

/** On this machine if its kernel can do it, else in a guest. */
export const startObserver = async (): Promise<Observer> => (kernelHasTcNat() ? await Session.start() : new GuestObserver());

type Line = { name: string } & ({ observed: Observed } | { error: string });

/** The built lab (`npm run build`) runs in the guest; what it has seen comes out line by line. */
class GuestObserver implements Observer {
  private readonly guest = new Guest([process.execPath, ofProject('dist/test/lab/tc/inside.js'), '/run/shared/observed']);

  async observe({ name }: TcScenario): Promise<Observed> {
    for (;;) {
      const { isRunning } = this.guest;
      const line = this.lines().find((candidate) => candidate.name === name);
      if (line && 'error' in line) throw new Error(line.error);
      if (line) return line.observed;
      if (!isRunning) throw new Error(`the guest has ended: ${this.guest.lastWords}`);
      await setTimeout(200);
    }
  }

  stop(): Promise<void> {
    return this.guest.stop();
  }

  /** Whole lines only: the last may still be on its way. */
  private lines(): Line[] {
    const file = join(this.guest.shared, 'observed');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Line);
  }
}
