import { type DropWatch, dropDeltas, watchDrops } from '../capture/drops.js';
import { watchFarDrops } from '../capture/far-drops.js';
import type { CapturePlan } from '../capture/plan.js';
import type { CounterDelta } from '../types.js';

/** Drop reasons of all machines that are captured on. */
export interface DropsOfAll {
  /** Ends it, and tells what was seen. May be called again. */
  stop(): Promise<CounterDelta[]>;
}

/** Begins to watch. This machine's kernel is one for all its namespaces, and told under the first host that it is; a machine that cannot tell is warned of. */
export async function watchAllDrops(plans: readonly CapturePlan[], warn: (text: string) => void): Promise<DropsOfAll> {
  const hosts = [...new Map(plans.map(({ host, target }) => [host, target]))];
  const near = hosts.filter(([, { kind }]) => kind !== 'ssh');
  const here = near.find(([, { kind }]) => kind === 'local') ?? near[0];
  const watched = await Promise.all([
    ...(here ? [{ host: here[0], watch: watchDrops() }] : []),
    ...hosts.filter(([, { kind }]) => kind === 'ssh').map(async ([host, target]) => ({ host, watch: await watchFarDrops(target) })),
  ]);
  const running = watched.flatMap(({ host, watch }): { host: string; watch: DropWatch }[] => {
    if (watch.ok) return [{ host, watch }];
    warn(`--drops: ${host}: ${watch.why}`);
    return [];
  });
  const stop = async () => (await Promise.all(running.map(async ({ host, watch }) => dropDeltas(await watch.stop(), host)))).flat();
  let stopping: Promise<CounterDelta[]> | undefined;
  return {
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}
