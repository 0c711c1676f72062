import { inRange } from '../../net/address.js';
import type { FirewallMatch, FirewallTable, PortRange, SetElement, SetField } from '../../types.js';
import type { Sight } from './state.js';

const portProtocols: readonly number[] = [6, 17, 33, 132, 136];

/** Whether a match holds: true, false, or undefined when it cannot be told from what is known. */
export function matches(match: FirewallMatch, sight: Sight, table: FirewallTable): boolean | undefined {
  const { packet } = sight.state;
  switch (match.match) {
    case 'address': {
      const address = packet[match.side];
      return match.among.some((range) => inRange(address, range)) !== match.not;
    }
    case 'port':
      return matchesPort(match, sight);
    case 'protocol':
      return match.among.includes(packet.protocol) !== match.not;
    case 'family':
      return (packet.family === match.family) !== match.not;
    case 'interface':
      return negate(matchesInterface(sight.interface(match.side), match.among), match.not);
    case 'mark': {
      const mark = match.of === 'packet' ? packet.mark : sight.state.connectionMark;
      return mark === undefined ? undefined : ((mark & match.mask) >>> 0 === match.value >>> 0) !== match.not;
    }
    case 'state':
      return negate(matchesState(match.among, sight), match.not);
    case 'address-type': {
      const type = sight.context.addressType(packet[match.side]);
      return type === undefined ? undefined : match.among.includes(type) !== match.not;
    }
    case 'socket':
      return negate(matchesSocket(match.transparent, sight), match.not);
    case 'tcp-flags':
      if (packet.protocol !== 6) return false;
      return packet.tcpFlags === undefined ? undefined : ((packet.tcpFlags & match.mask) === match.value) !== match.not;
    case 'reverse-path':
      return negate(
        sight.context.reversePath?.(match.loose, match.mark ? packet.mark : 0, table.source === 'nft' ? 'fib' : 'rpfilter'),
        match.not,
      );
    case 'later-fragment':
      return (portProtocols.includes(packet.protocol) && packet.sourcePort === undefined) !== match.not;
    case 'set':
      return negate(matchesSet(match.fields, Object.hasOwn(table.sets, match.set) ? table.sets[match.set] : undefined, sight), match.not);
    case 'unknown':
      return undefined;
  }
}

function negate(result: boolean | undefined, not: boolean): boolean | undefined {
  return result === undefined ? undefined : result !== not;
}

/** A port match fails, negated or not, where the packet has no such port: other protocols and later fragments. */
function matchesPort(match: FirewallMatch & { match: 'port' }, { state: { packet } }: Sight): boolean {
  if (!(match.ipProtocols ?? portProtocols).includes(packet.protocol)) return false;
  const within = (port: number | undefined) => port !== undefined && match.among.some(([low, high]) => port >= low && port <= high);
  const ports =
    match.side === 'either'
      ? [packet.sourcePort, packet.destinationPort]
      : [match.side === 'source' ? packet.sourcePort : packet.destinationPort];
  if (ports.includes(undefined)) return false;
  return ports.some(within) !== match.not;
}

function matchesInterface(name: string | undefined, patterns: readonly string[]): boolean | undefined {
  return name === undefined
    ? undefined
    : patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}

function matchesState(among: readonly string[], sight: Sight): boolean | undefined {
  const state = sight.connectionState();
  if (state !== undefined && among.includes(state)) return true;
  // SNAT and DNAT are properties beside the state (xt_conntrack), known only where no rule of the host translates at all.
  const translated = among.some((each) => (each === 'snat' || each === 'dnat') && sight.context.mayTranslate?.(each) !== false);
  const only = among.every((each) => each === 'snat' || each === 'dnat');
  if (state === undefined) return only && !translated ? false : undefined;
  return translated && state !== 'untracked' ? undefined : false;
}

function matchesSocket(transparent: boolean, { context: { socket } }: Sight): boolean | undefined {
  if (socket === 'unknown') return undefined;
  return socket === 'transparent' || (socket === 'plain' && !transparent);
}

/** True when an element takes all fields; undefined when one might. */
function matchesSet(fields: readonly SetField[], elements: readonly SetElement[] | undefined, sight: Sight): boolean | undefined {
  if (!elements) return undefined;
  let maybe = false;
  for (const { key } of elements) {
    const verdicts = fields.map((field, index) => matchesField(field, key[index], sight));
    if (verdicts.every((verdict) => verdict === true)) return true;
    if (!verdicts.includes(false)) maybe = true;
  }
  return maybe ? undefined : false;
}

function matchesField(field: SetField, key: SetElement['key'][number] | undefined, sight: Sight): boolean | undefined {
  const { packet } = sight.state;
  switch (field) {
    case 'source-address':
      return inAddresses(packet.source, key);
    case 'destination-address':
      return inAddresses(packet.destination, key);
    case 'source-port':
      return packet.sourcePort === undefined ? false : inNumbers(packet.sourcePort, key);
    case 'destination-port':
      return packet.destinationPort === undefined ? false : inNumbers(packet.destinationPort, key);
    case 'protocol':
      return inNumbers(packet.protocol, key);
    case 'mark':
      return inNumbers(packet.mark, key);
    case 'in-interface':
    case 'out-interface':
      return typeof key === 'string' ? matchesInterface(sight.interface(field === 'in-interface' ? 'in' : 'out'), [key]) : undefined;
    case 'other':
      return undefined;
  }
}

function inAddresses(address: string, key: SetElement['key'][number] | undefined): boolean | undefined {
  if (!Array.isArray(key) || typeof key[0] !== 'string' || typeof key[1] !== 'string') return undefined;
  return inRange(address, [key[0], key[1]]);
}

function inNumbers(value: number, key: SetElement['key'][number] | undefined): boolean | undefined {
  if (key === undefined || !isNumeric(key)) return undefined;
  return value >= key[0] && value <= key[1];
}

function isNumeric(key: SetElement['key'][number]): key is PortRange {
  return Array.isArray(key) && typeof key[0] === 'number' && typeof key[1] === 'number';
}
