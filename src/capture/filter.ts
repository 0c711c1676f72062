import { canonical, familyOf, isAddress } from '../net/address.js';

/** The flows that a capture is about. */
export interface Flows {
  /** Listening ports and those of upstreams, 1 to 65535; all of TCP and UDP when there is none. */
  ports: readonly { protocol: 'tcp' | 'udp'; port: number }[];
  /** Of all who take part, as far as they are known. Later fragments bear no ports: those from or to these are kept, or all of them. */
  addresses: readonly string[];
  /** Keeps, of what has ports, only what is from or to one of these. */
  only?: readonly string[];
}

/** More would make a program too long for the kernel, which takes 4096 instructions: they restrict nothing then. An IPv4 address is one word, of IPv6 four. */
const mostAddressWords = 120;
const mostPorts = 64;

/**
 * The filter for one capture, in the language of pcap-filter(7): packets of the flows, ICMP errors (of any flow, as they are few and who
 * sends them is not known), and later fragments. IPv6 packets with an extension header other than that of fragments are not found by port.
 *
 * `ethernet`: tagged frames, too. Where there are no tags, "vlan" does not compile. It comes last, as it moves all offsets behind it.
 */
export function filterFor({ ports, addresses, only = [] }: Flows, { ethernet }: { ethernet: boolean }): string {
  const flows = both(portsOf(ports), hosts(only));
  const laterFragments = both(`${fragmentOf4} or ${fragmentOf6}`, hosts(addresses));
  const wanted = `${flows} or ${laterFragments} or (${icmpErrors}) or (${icmp6Errors})`;
  return ethernet ? `${wanted} or (vlan and (${wanted}))` : wanted;
}

/** Unreachable, source quench, redirect, time exceeded, parameter problem. */
const icmpErrors = 'icmp and (icmp[0] >= 3 and icmp[0] <= 5 or icmp[0] = 11 or icmp[0] = 12)';

/** Unreachable, too big, time exceeded, parameter problem. libpcap before 1.9.1 knows no icmp6[]. */
const icmp6Errors = 'ip6[6] = 58 and ip6[40] >= 1 and ip6[40] <= 4';

const fragmentOf4 = '(ip[6:2] & 0x1fff != 0)';
const fragmentOf6 = '(ip6[6] = 44)';

function portsOf(ports: Flows['ports']): string {
  const clauses = [...new Set(ports.map(portClause))];
  return clauses.length === 0 || clauses.length > mostPorts ? 'tcp or udp' : clauses.join(' or ');
}

function portClause({ protocol, port }: Flows['ports'][number]): string {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`no port: ${port}`);
  return `${protocol} port ${port}`;
}

/** Empty where everything is wanted. What is no address is left out. */
function hosts(addresses: readonly string[]): string {
  const known = [...new Set(addresses.filter(isAddress).map(canonical))];
  const words = known.reduce((sum, address) => sum + (familyOf(address) === 4 ? 1 : 4), 0);
  if (words > mostAddressWords) return '';
  return known.map((address) => `${familyOf(address) === 4 ? 'ip' : 'ip6'} host ${address}`).join(' or ');
}

function both(first: string, second: string): string {
  return second === '' ? `(${first})` : `((${first}) and (${second}))`;
}
