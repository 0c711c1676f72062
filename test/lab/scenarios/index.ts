import { proxyFaults } from './proxy.js';
import type { Fault } from './scenario.js';

export type { Fault, Oddity, Scenario } from './scenario.js';

export const faults: readonly Fault[] = [...proxyFaults];
