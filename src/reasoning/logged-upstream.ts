import { familyOf, sameAddress } from '../net/address.js';
import type { ErrorLogLine, Walk } from '../types.js';

/** Whether a log line is about a walk's upstream, or about no upstream at all. */
export function concerns(line: ErrorLogLine, walk: Pick<Walk, 'service' | 'upstream'>): boolean {
  if (line.master !== walk.service.master) return false;
  if (line.upstream === undefined) return true;
  const named = endpointOf(line.upstream);
  if (!named) return false;
  const protocol = line.upstream.startsWith('udp:') ? 'udp' : 'tcp';
  return (
    sameAddress(named.address, walk.upstream.address) &&
    named.port === walk.upstream.port &&
    (walk.service.protocol === 'udp') === (protocol === 'udp')
  );
}

/** Address and port of an upstream as the log prints it: `http://172.16.0.11:80/`, `udp://[fd00::1]:53`, `172.16.0.11:53`. */
export function endpointOf(text: string): { address: string; port: number } | undefined {
  const found = /^(?:[a-z]+:\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})(?:\/|$)/.exec(text);
  const address = found?.[1] ?? found?.[2];
  return address !== undefined && familyOf(address) !== undefined ? { address, port: Number(found?.[3]) } : undefined;
}
