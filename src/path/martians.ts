import { contains } from '../net/prefix.js';
import type { Facts } from '../types.js';
import { routesLoopback } from './sysctls.js';

const everyone = '255.255.255.255/32';
/** From 5.3 on; before, all of 0.0.0.0/8 (ipv4_is_zeronet()). */
const thisNetwork = '0.0.0.0/32';
const loopback = '127.0.0.0/8';
const multicast = '224.0.0.0/4';

/** Why an incoming IPv4 packet is dropped for its addresses alone, whatever the routes say: the first lines of ip_route_input_slow(). */
export function martian(sysctls: Facts['sysctls'], link: string, to: string, from: string | undefined): string | undefined {
  if (from !== undefined && (contains(multicast, from) || contains(everyone, from))) return `${from} is no address of one host`;
  if (contains(everyone, to) || (from !== undefined && from === '0.0.0.0' && to === '0.0.0.0')) return undefined;
  if (from !== undefined && contains(thisNetwork, from)) return `${from} is no source`;
  if (contains(thisNetwork, to)) return `${to} is no destination`;
  if (routesLoopback(sysctls, link)) return undefined;
  if (contains(loopback, to)) return `${to} is a loopback address and came in from outside`;
  return from !== undefined && contains(loopback, from) ? `${from} is a loopback address and came in from outside` : undefined;
}
