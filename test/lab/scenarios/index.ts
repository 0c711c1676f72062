import { dsrFaults, dsrRisks } from './dsr.js';
import { nginxFaults } from './nginx.js';
import { furtherNginxFaults } from './nginx-further.js';
import { proxyFaults } from './proxy.js';
import { furtherProxyFaults, furtherProxyRisks } from './proxy-further.js';
import type { Fault, Risk } from './scenario.js';
import { upstreamFaults } from './upstream.js';
import { workerFaults } from './worker.js';

export { furtherFaults } from './further.js';
export { oddities } from './oddities.js';
export type { Fault, Oddity, Risk, Scenario } from './scenario.js';

/** One root cause each, of which the healthy state of its topology has none. */
export const faults: readonly Fault[] = [
  ...workerFaults,
  ...nginxFaults,
  ...furtherNginxFaults,
  ...proxyFaults,
  ...furtherProxyFaults,
  ...upstreamFaults,
  ...dsrFaults,
];

/** One each that the healthy state does not have. */
export const risks: readonly Risk[] = [...dsrRisks, ...furtherProxyRisks];
