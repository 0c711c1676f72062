import type { Service, ServiceMode } from '../types.js';

/** Syslog, SNMP traps, NetFlow, IPFIX, sFlow, StatsD: UDP services that never answer, so there is no reply to bring back. */
const neverAnswer = new Set([162, 514, 2055, 4739, 6343, 8125, 9995, 9996]);

/** What the configuration alone says the service is meant to be. */
export function modeOf({
  protocol,
  bind,
  proxyResponses,
  listeners,
}: Pick<Service, 'protocol' | 'bind' | 'proxyResponses' | 'listeners'>): ServiceMode {
  if (bind?.address !== 'client') return 'plain';
  if (protocol !== 'udp' || proxyResponses?.value !== 0) return 'transparent';
  if (bind.port !== 'none') return 'dsr';
  return listeners.every(({ port }) => neverAnswer.has(port)) ? 'one-way' : 'dsr';
}
