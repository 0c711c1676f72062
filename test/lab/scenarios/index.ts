import { dsrFaults, dsrRisks } from './dsr.js';
import { frontEndFaults, frontEndOddities } from './firewall-front-ends.js';
import { haPairFaults, haPairOddities } from './ha-pair.js';
import { nginxFaults } from './nginx.js';
import { furtherNginxFaults } from './nginx-further.js';
import { articleOddities } from './oddities.js';
import { oneArmedFaults, oneArmedOddities } from './one-armed.js';
import { proxyFaults } from './proxy.js';
import { furtherProxyFaults, furtherProxyRisks } from './proxy-further.js';
import type { Fault, Oddity, Risk } from './scenario.js';
import { upstreamFaults } from './upstream.js';
import { wayBackFaults, wayBackOddities } from './way-back.js';
import { workerFaults } from './worker.js';

export { furtherFaults } from './further.js';
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
  ...oneArmedFaults,
  ...wayBackFaults,
  ...haPairFaults,
  ...frontEndFaults,
];

/** One each that the healthy state does not have. */
export const risks: readonly Risk[] = [...dsrRisks, ...furtherProxyRisks];

/** Setups that look wrong to a careless reader. */
export const oddities: readonly Oddity[] = [
  ...articleOddities,
  ...oneArmedOddities,
  ...wayBackOddities,
  ...haPairOddities,
  ...frontEndOddities,
];
