import { isAddress } from '../../net/address.js';
import { rangeOf } from '../../net/prefix.js';
import type { AddressRange, PortRange, SetElement } from '../../types.js';
import { protocolNumber, unsigned } from './names.js';
import { entry, get, type Json, list, number, text, unwrap } from './nft-json.js';

type Key = SetElement['key'][number];

/** An address, prefix or range of addresses. */
export function addressRange(value: Json): AddressRange | undefined {
  const bare = unwrap(value);
  if (typeof bare === 'string') return rangeOf(bare);
  const [kind, content] = entry(bare) ?? [];
  if (kind === 'prefix') return rangeOf(`${text(get(content, 'addr')) ?? ''}/${number(get(content, 'len')) ?? ''}`);
  const [first, last] = kind === 'range' ? list(content).map(text) : [];
  return first !== undefined && last !== undefined && isAddress(first) && isAddress(last) ? [first, last] : undefined;
}

/** A number, a name that `read` knows, or a range of them. */
export function numberRange(value: Json, read: (name: string) => number | undefined = unsigned): PortRange | undefined {
  const bare = unwrap(value);
  const one = (item: Json) => number(item) ?? (typeof item === 'string' ? read(item) : undefined);
  const [kind, content] = entry(bare) ?? [];
  const [first, last = first] = kind === 'range' ? list(content).map(one) : [one(bare)];
  return first === undefined || last === undefined ? undefined : [first, last];
}

/** The members of a right-hand side: an anonymous set's, or the value itself. */
export function members(right: Json): readonly Json[] {
  const set = get(right, 'set');
  return set === undefined ? [right] : list(set);
}

/** One part of a set's key, by the type that the set declares for it, else by how it looks. */
export function keyPart(value: Json, type: string | undefined): Key {
  const bare = unwrap(value);
  if (type === 'ifname' || type === 'iface_index') return text(bare) ?? '';
  const numeric = numberRange(bare, (name) => unsigned(name) ?? protocolNumber(name));
  return addressRange(bare) ?? numeric ?? text(bare) ?? String(JSON.stringify(bare)).slice(0, 200);
}

/** The parts of a key that may be a concatenation. */
export function keyParts(value: Json): readonly Json[] {
  const parts = get(unwrap(value), 'concat');
  return parts === undefined ? [value] : list(parts);
}
