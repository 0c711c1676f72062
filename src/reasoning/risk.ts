import type { Case, Conclusion, Service } from '../types.js';
import { groupBy } from './broken.js';

/**
 * Services that a risk may be told of, by host: their paths are predicted and nothing breaks them. Where something does, its cure comes
 * first, and the engine asks again about the mended case.
 */
export function soundServices(c: Case, isAtRisk: (service: Service) => boolean): [host: string, services: Service[]][] {
  const sound = c.services.filter((service) => {
    const walks = c.walks.filter((walk) => walk.service === service);
    return walks.length > 0 && walks.every(({ end }) => end !== 'broken') && isAtRisk(service);
  });
  return [...groupBy(sound, ({ host }) => host)];
}

/** What a rule knows of a risk; the rest follows from its services. */
export type RiskReason = Pick<Conclusion, 'host' | 'summary' | 'steps' | 'evidence' | 'explains' | 'cures' | 'verify' | 'settle'>;

/** What works now and will not always: never more than consistent with what is seen. */
export function concludeRisk(c: Case, services: readonly Service[], reason: RiskReason): Conclusion {
  return { severity: 'risk', certainty: 'consistent', ...reason, walks: c.walks.filter((walk) => services.includes(walk.service)) };
}
