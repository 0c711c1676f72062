/** IP protocol numbers by the names that iptables and nft print (/etc/protocols). */
const protocols = new Map<string, number>([
  ['hopopt', 0],
  ['icmp', 1],
  ['igmp', 2],
  ['ipencap', 4],
  ['ipip', 4],
  ['tcp', 6],
  ['egp', 8],
  ['udp', 17],
  ['dccp', 33],
  ['ipv6', 41],
  ['ipv6-route', 43],
  ['ipv6-frag', 44],
  ['rsvp', 46],
  ['gre', 47],
  ['esp', 50],
  ['ipv6-crypt', 50],
  ['ah', 51],
  ['ipv6-auth', 51],
  ['icmpv6', 58],
  ['ipv6-icmp', 58],
  ['ipv6-nonxt', 59],
  ['ipv6-opts', 60],
  ['ospf', 89],
  ['ospfigp', 89],
  ['pim', 103],
  ['comp', 108],
  ['ipcomp', 108],
  ['vrrp', 112],
  ['l2tp', 115],
  ['sctp', 132],
  ['ipv6-mh', 135],
  ['mh', 135],
  ['mobility-header', 135],
  ['udplite', 136],
  ['mptcp', 262],
]);

/** The number of a protocol given as name or number; undefined for what is neither. */
export function protocolNumber(text: string): number | undefined {
  return protocols.get(text.toLowerCase()) ?? unsigned(text, 262);
}

/** Bits of the flags byte of the TCP header (RFC 9293). */
const tcpFlags = new Map<string, number>([
  ['fin', 1],
  ['syn', 2],
  ['rst', 4],
  ['psh', 8],
  ['ack', 16],
  ['urg', 32],
  ['ecn', 64],
  ['ece', 64],
  ['cwr', 128],
  ['all', 63],
  ['none', 0],
]);

/** The bits of a list of flag names or hexadecimal numbers; undefined when one is not known. */
export function tcpFlagBits(names: readonly string[]): number | undefined {
  let bits = 0;
  for (const name of names) {
    const bit = tcpFlags.get(name.toLowerCase()) ?? unsigned(name, 0xff);
    if (bit === undefined) return undefined;
    bits |= bit;
  }
  return bits;
}

/** A decimal or 0x number between 0 and `max`; undefined for anything else. */
export function unsigned(text: string, max = 0xffffffff): number | undefined {
  if (!/^(?:0[xX][0-9a-fA-F]{1,16}|\d{1,20})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** `a:b`, `a-b` or a single port; an open end means the end of the port space. */
export function portRange(text: string, separator: ':' | '-'): readonly [number, number] | undefined {
  const [first = '', last, ...rest] = text.split(separator);
  if (rest.length > 0) return undefined;
  const low = first === '' && last !== undefined ? 0 : unsigned(first, 65535);
  const high = last === undefined ? low : last === '' ? 65535 : unsigned(last, 65535);
  return low === undefined || high === undefined ? undefined : [low, high];
}
