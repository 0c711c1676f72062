import type { Family, FirewallRule } from '../types.js';

/** Packets that a rule lets pass; what is absent is not looked at. Addresses are single ones or prefixes. */
export interface Admission {
  family: Family;
  in?: string;
  out?: string;
  /** 6 or 17. */
  protocol?: number;
  sources?: readonly string[];
  destinations?: readonly string[];
  sourcePort?: number;
  destinationPort?: number;
  mark?: number;
}

export function protocolName(protocol: number | undefined): 'tcp' | 'udp' {
  return protocol === 17 ? 'udp' : 'tcp';
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** The matches of a rule of iptables, one word each. */
export function iptablesMatches(admission: Admission): string[] {
  const { sources = [], destinations = [], protocol, sourcePort, destinationPort, mark } = admission;
  const name = protocolName(protocol);
  const option = (flag: string, value: string | undefined) => (value === undefined || value === '' ? [] : [flag, value]);
  return [
    ...option('-i', admission.in),
    ...option('-o', admission.out),
    ...option('-s', sources.join(',')),
    ...option('-d', destinations.join(',')),
    ...(protocol === undefined ? [] : ['-p', name]),
    ...(sourcePort === undefined && destinationPort === undefined ? [] : ['-m', name]),
    ...option('--sport', sourcePort?.toString()),
    ...option('--dport', destinationPort?.toString()),
    ...(mark === undefined ? [] : ['-m', 'mark', '--mark', hex(mark)]),
  ];
}

/** The same in the language of nft. */
export function nftMatches(admission: Admission): string {
  const { family, sources = [], destinations = [], protocol, sourcePort, destinationPort, mark } = admission;
  const ip = family === 4 ? 'ip' : 'ip6';
  const name = protocolName(protocol);
  const withPort = sourcePort !== undefined || destinationPort !== undefined;
  const among = (values: readonly string[]) => (values.length > 1 ? `{ ${values.join(', ')} }` : values[0]);
  return [
    ...(admission.in === undefined ? [] : [`iifname "${admission.in}"`]),
    ...(admission.out === undefined ? [] : [`oifname "${admission.out}"`]),
    ...(sources.length === 0 ? [] : [`${ip} saddr ${among(sources)}`]),
    ...(destinations.length === 0 ? [] : [`${ip} daddr ${among(destinations)}`]),
    ...(protocol === undefined || withPort ? [] : [`meta l4proto ${name}`]),
    ...(sourcePort === undefined ? [] : [`${name} sport ${sourcePort}`]),
    ...(destinationPort === undefined ? [] : [`${name} dport ${destinationPort}`]),
    ...(mark === undefined ? [] : [`meta mark ${hex(mark)}`]),
  ].join(' ');
}

/** The same as the evaluator reads it. */
export function matchSteps(admission: Admission): FirewallRule['steps'] {
  const { sources = [], destinations = [], protocol, sourcePort, destinationPort, mark } = admission;
  const addresses = (side: 'source' | 'destination', values: readonly string[]) =>
    values.length === 0 ? [] : [{ match: 'address', side, not: false, among: values.map((value) => [value, value] as const) } as const];
  const port = (side: 'source' | 'destination', value: number | undefined) =>
    value === undefined ? [] : [{ match: 'port', side, not: false, among: [[value, value]], ipProtocols: [protocol ?? 6] } as const];
  const link = (side: 'in' | 'out', name: string | undefined) =>
    name === undefined ? [] : [{ match: 'interface', side, not: false, among: [name] } as const];
  return [
    ...link('in', admission.in),
    ...link('out', admission.out),
    ...addresses('source', sources),
    ...addresses('destination', destinations),
    ...(protocol === undefined ? [] : [{ match: 'protocol', not: false, among: [protocol] } as const]),
    ...port('source', sourcePort),
    ...port('destination', destinationPort),
    ...(mark === undefined ? [] : [{ match: 'mark', of: 'packet', not: false, value: mark, mask: 0xffffffff } as const]),
  ];
}
