import type { Service } from '../types.js';
import { hasLastingSessions } from './udp-habits.js';

/** Milliseconds: what ngx_stream_proxy_module takes where no proxy_timeout is given, and what is taken for long. */
const defaultTimeout = 600_000;
const longTimeout = 60_000;

/** Milliseconds after its last datagram for which nginx keeps a UDP session that no count of answers ends. */
export function idleTime({ proxyTimeout }: Service): number {
  return proxyTimeout?.value ?? defaultTimeout;
}

/** Whether sessions outlive their exchange by minutes: nothing counts the answers and the timeout is long. */
export function keepsSessions(service: Service): boolean {
  return (
    service.protocol === 'udp' && service.proxyResponses === undefined && idleTime(service) > longTimeout && !hasLastingSessions(service)
  );
}
