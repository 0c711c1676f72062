import type { ConnectionState, FirewallMatch, PortRange, SetElement } from '../../types.js';
import { isState } from './iptables-matches.js';
import { protocolNumber } from './names.js';
import { get, type Json, list, text } from './nft-json.js';
import { fieldOf, flagBits, names, type Selector, select } from './nft-selectors.js';
import { statementText } from './nft-text.js';
import { addressRange, keyPart, keyParts, members, numberRange } from './nft-values.js';

/** Takes in the elements of an anonymous set and gives the name under which they are kept. */
export type KeepSet = (elements: readonly SetElement[]) => string;

/** One nft comparison as matches, which all must hold. */
export function readMatch(content: Json, keepSet: KeepSet): FirewallMatch[] {
  const [left, right] = [get(content, 'left'), get(content, 'right')];
  const operator = text(get(content, 'op')) ?? '==';
  const parts = list(get(left, 'concat') ?? left).map(select);
  const implied = parts.flatMap((part) => part.implied);
  const unknown: FirewallMatch = { match: 'unknown', text: statementText({ match: content }) };
  const selectors = parts.map((part) => part.selector);
  const [first] = selectors;
  if (!first) return [unknown];
  const named = typeof right === 'string' && right.startsWith('@') ? right.slice(1) : undefined;
  const asSet = () =>
    setMatch(selectors, operator, named ?? keepSet(members(right).map((member) => ({ key: inlineKey(member, selectors) }))));
  const direct = () => compare(first, operator, right);
  const found =
    named !== undefined || selectors.length > 1
      ? asSet()
      : (direct() ?? (first.of === 'mark' && fieldOf(first) === 'mark' ? asSet() : undefined));
  // A port comparison of its own already fails where there is no port.
  const needed = found?.match === 'port' ? implied.filter((match) => match.match !== 'port') : implied;
  return [...needed, found ?? unknown];
}

function setMatch(selectors: readonly Selector[], operator: string, set: string): FirewallMatch | undefined {
  if (!isEquality(operator)) return undefined;
  return { match: 'set', not: operator === '!=', set, fields: selectors.map(fieldOf) };
}

function inlineKey(member: Json, selectors: readonly Selector[]): SetElement['key'] {
  return keyParts(member).map((part, index) => keyPart(part, selectors[index]?.of === 'interface' ? 'ifname' : undefined));
}

function isEquality(operator: string): boolean {
  return operator === '==' || operator === '!=' || operator === 'in';
}

/** A comparison of one field with literal values. */
function compare(selector: Selector, operator: string, right: Json): FirewallMatch | undefined {
  const not = operator === '!=';
  if (selector.of === 'port' && !isEquality(operator)) return orderedPorts(selector, operator, right);
  if (!isEquality(operator)) return undefined;
  switch (selector.of) {
    case 'address': {
      const among = all(members(right).map(addressRange));
      return among && { match: 'address', side: selector.side, not, among };
    }
    case 'port': {
      const among = all(members(right).map((member) => numberRange(member)));
      return among && portMatch(selector, not, among);
    }
    case 'protocol': {
      const among = all(members(right).map((member) => numberRange(member, protocolNumber)));
      return among && { match: 'protocol', not, among: among.flatMap(([low, high]) => numbers(low, Math.min(high, 255))) };
    }
    case 'family': {
      const family = familyNumber(right);
      return family && { match: 'family', not, family };
    }
    case 'interface': {
      const among = all(members(right).map(text));
      return among && { match: 'interface', side: selector.side, not, among };
    }
    case 'address-type': {
      const among = all(members(right).map(text));
      return among && { match: 'address-type', side: selector.side, not, among };
    }
    case 'mark': {
      const range = get(right, 'set') === undefined ? numberRange(right) : undefined;
      return range && range[0] === range[1] ? { match: 'mark', of: selector.holder, not, value: range[0], mask: selector.mask } : undefined;
    }
    case 'state':
      return stateMatch(selector.mask, operator, right);
    case 'status': {
      const bits = members(right).flatMap(names);
      return bits.every((bit) => bit === 'snat' || bit === 'dnat') ? asStates(bits, not) : undefined;
    }
    case 'tcp-flags':
      return flagsMatch(selector.mask, operator, right);
    case 'socket':
      return socketMatch(selector.key, not, right);
    case 'reverse-path': {
      const exists = right === true ? true : right === false || right === 0 || right === '0' ? false : undefined;
      return exists === undefined
        ? undefined
        : { match: 'reverse-path', not: exists === not, loose: selector.loose, ...(selector.mark ? { mark: true as const } : {}) };
    }
    case 'fragment-offset':
      return selector.masked && right === 0 ? { match: 'later-fragment', not: !not } : undefined;
    case 'other':
      return undefined;
  }
}

function all<T>(values: readonly (T | undefined)[]): readonly T[] | undefined {
  const present = values.filter((value) => value !== undefined);
  return present.length === values.length ? present : undefined;
}

function numbers(low: number, high: number): number[] {
  return Array.from({ length: Math.max(0, high - low + 1) }, (_, index) => low + index);
}

function familyNumber(right: Json): 4 | 6 | undefined {
  if (right === 'ip' || right === 'ipv4' || right === 2) return 4;
  return right === 'ip6' || right === 'ipv6' || right === 10 ? 6 : undefined;
}

function portMatch(selector: Selector & { of: 'port' }, not: boolean, among: readonly PortRange[]): FirewallMatch {
  return { match: 'port', side: selector.side, not, among, ...(selector.ipProtocols ? { ipProtocols: selector.ipProtocols } : {}) };
}

function orderedPorts(selector: Selector & { of: 'port' }, operator: string, right: Json): FirewallMatch | undefined {
  const value = numberRange(right)?.[0];
  if (value === undefined) return undefined;
  const ranges = new Map<string, PortRange>([
    ['<', [0, value - 1]],
    ['<=', [0, value]],
    ['>', [value + 1, 65535]],
    ['>=', [value, 65535]],
  ]);
  const range = ranges.get(operator);
  return range && portMatch(selector, false, [range]);
}

/** A packet has exactly one state, so a bit test is a membership test. */
function stateMatch(mask: readonly string[] | undefined, operator: string, right: Json): FirewallMatch | undefined {
  if (mask !== undefined) {
    // `ct state & (a | b) == 0`: neither; `!= 0`: one of them; `== a`: a.
    if (right === 0) return asStates(mask, operator !== '!=');
    const wanted = names(right);
    return wanted.length === 1 && wanted.every((name) => mask.includes(name)) ? asStates(wanted, operator === '!=') : undefined;
  }
  return asStates(members(right).flatMap(names), operator === '!=');
}

function asStates(among: readonly string[], not: boolean): FirewallMatch | undefined {
  const valid: ConnectionState[] = among.filter(isState);
  return valid.length === among.length ? { match: 'state', not, among: valid } : undefined;
}

function flagsMatch(mask: number | undefined, operator: string, right: Json): FirewallMatch | undefined {
  const value = right === 0 ? 0 : get(right, 'set') === undefined ? flagBits(right) : undefined;
  if (value === undefined) return undefined;
  // `tcp flags syn,ack` asks for any of them; with a mask or "not" the whole field is compared.
  if (operator === 'in') return { match: 'tcp-flags', not: true, mask: value, value: 0 };
  return { match: 'tcp-flags', not: operator === '!=', mask: mask ?? 0xff, value };
}

function socketMatch(key: 'transparent' | 'wildcard', not: boolean, right: Json): FirewallMatch | undefined {
  if (not || (right !== 0 && right !== 1)) return undefined;
  if (key === 'transparent') return right === 1 ? { match: 'socket', transparent: true, not: false } : undefined;
  // Sockets that nginx binds for a client are bound to one address, so only the existence of a socket is left to ask.
  return right === 0 ? { match: 'socket', transparent: false, not: false } : undefined;
}
