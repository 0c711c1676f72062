import { routerFaults, routerHealthy } from './router-scenarios.js';
import type { TcScenario } from './scenario.js';
import { separateRouter } from './separate-scenarios.js';

/** In the order in which they are seen. */
export const tcScenarios: readonly TcScenario[] = [...routerHealthy, ...routerFaults, ...separateRouter];
