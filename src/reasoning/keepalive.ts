import type { NginxMaster, Service } from '../types.js';
import { olderThan } from './versions.js';

/** From 1.29.7 on `upstream` blocks keep connections, and HTTP/1.1 is spoken to them, without being told to. */
export function keepsByDefault(master: NginxMaster | undefined): boolean {
  return master?.version !== undefined && !olderThan(master.version, '1.29.7');
}

/**
 * Whether connections of a service to its upstreams are really kept. `keepalive` alone does nothing before 1.29.7: nginx then
 * speaks HTTP/1.0 and sends "Connection: close" unless told otherwise.
 */
export function keepsConnections(service: Service, master: NginxMaster | undefined): boolean {
  if (service.protocol !== 'http' || !service.upstreamGroup) return false;
  const byDefault = keepsByDefault(master);
  const size = service.upstreamGroup.keepalive?.value ?? (byDefault ? 32 : 0);
  const version = service.httpVersion?.value ?? (byDefault ? '1.1' : '1.0');
  const header = service.connectionHeader?.value ?? (byDefault ? '' : 'close');
  const wanted = header.trim().toLowerCase();
  return size > 0 && wanted !== 'close' && (version !== '1.0' || wanted === 'keep-alive');
}
