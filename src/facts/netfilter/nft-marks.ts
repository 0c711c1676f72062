import type { FirewallAction } from '../../types.js';
import { unsigned } from './names.js';
import { entry, get, type Json, list, number, text } from './nft-json.js';

type Holder = 'packet' | 'connection';

/** A value computed from a mark: (mark & keep) ^ flip. Without `from` it is the constant `flip`. */
interface Computed {
  from: Holder | undefined;
  keep: number;
  flip: number;
}

const all = 0xffffffff;

/** `meta mark set …` or `ct mark set …` as actions; undefined for a value that is more than bit operations on one mark. */
export function markSteps(holder: Holder, value: Json): FirewallAction[] | undefined {
  const computed = compute(value);
  if (!computed) return undefined;
  const { from, keep, flip } = computed;
  const own = holder === 'packet' ? 'mark' : 'connection-mark';
  if (from === undefined || from === holder) return [{ do: own, value: flip, mask: ~keep >>> 0 }];
  // The bits outside `keep` become zero, those inside come from the other mark, then some are turned.
  const clear: FirewallAction[] = keep === all ? [] : [{ do: own, value: 0, mask: ~keep >>> 0 }];
  const turn: FirewallAction[] = flip === 0 ? [] : [{ do: own, value: flip, mask: 0 }];
  return [...clear, { do: holder === 'packet' ? 'restore-mark' : 'save-mark', mask: keep }, ...turn];
}

function compute(value: Json): Computed | undefined {
  const constant = number(value) ?? unsigned(text(value) ?? '');
  if (constant !== undefined) return { from: undefined, keep: 0, flip: constant >>> 0 };
  const [kind, content] = entry(value) ?? [];
  if (kind === 'meta' || kind === 'ct') {
    return get(content, 'key') === 'mark' ? { from: kind === 'meta' ? 'packet' : 'connection', keep: all, flip: 0 } : undefined;
  }
  const [first, ...rest] = list(content);
  if (kind !== '&' && kind !== '|' && kind !== '^') return undefined;
  let result = compute(first);
  for (const operand of rest.map(compute)) {
    if (!result || operand?.from !== undefined || !operand) return undefined;
    result = combine(kind, result, operand.flip);
  }
  return result;
}

function combine(operator: '&' | '|' | '^', { from, keep, flip }: Computed, bits: number): Computed {
  switch (operator) {
    case '&':
      return { from, keep: (keep & bits) >>> 0, flip: (flip & bits) >>> 0 };
    case '|':
      return { from, keep: (keep & ~bits) >>> 0, flip: (flip | bits) >>> 0 };
    case '^':
      return { from, keep, flip: (flip ^ bits) >>> 0 };
  }
}
