import type { JsonObject } from './nft-json.js';

/**
 * The text of `tc -s filter show dev X`, brought into the shape of the JSON: iproute2 before 5.14 prints u32 filters as plain text
 * in the middle of its JSON, which then is none.
 */
export function filtersFromText(text: string): JsonObject[] {
  const items: { item: JsonObject; options: Record<string, unknown>; actions: Record<string, unknown>[] }[] = [];
  for (const line of text.split('\n')) {
    const last = items.at(-1);
    const head = /^filter (?:parent (\S+) )?protocol (\S+) pref (\d+) (\S+)(.*)$/.exec(line);
    if (head) {
      const [, parent, protocol, pref, kind, rest = ''] = head;
      const options: Record<string, unknown> = headOptions(rest);
      const actions: Record<string, unknown>[] = [];
      const chain = /\bchain (\d+)/.exec(rest)?.[1];
      items.push({ item: { parent, protocol, pref: Number(pref), kind, chain: Number(chain ?? 0) }, options, actions });
    } else if (last) readDetail(line, last.options, last.actions);
  }
  return items.map(({ item, options, actions }) => {
    const present = Object.keys(options).length > 0 || actions.length > 0;
    return present ? { ...item, options: { ...options, actions } } : item;
  });
}

function headOptions(rest: string): Record<string, unknown> {
  const handle = /\bfh (\S+)/.exec(rest)?.[1];
  const link = /\blink (\S+)/.exec(rest)?.[1];
  return {
    ...(handle === undefined ? {} : { fh: handle }),
    ...(link === undefined ? {} : { link }),
    ...(/\bht divisor \d/.test(rest) ? { ht_divisor: 1 } : {}),
  };
}

function readDetail(line: string, options: Record<string, unknown>, actions: Record<string, unknown>[]): void {
  const match = /^\s+match ([0-9a-f]{1,8})\/([0-9a-f]{1,8}) at (nexthdr\+)?(-?\d+)/.exec(line);
  if (match) {
    const [, value, mask, offmask = '', off] = match;
    options[`match#${Object.keys(options).length}`] = { value, mask, offmask, off: Number(off) };
  }
  const action = /^\s+action order \d+:\s+(\S+)(.*)$/.exec(line);
  if (action) {
    const [, kind, rest = ''] = action;
    const [, direction, old, next] = /^ (ingress|egress) (\S+) (\S+)/.exec(rest) ?? [];
    actions.push({ kind, direction, old_addr: old, new_addr: next });
  }
  const sent = /^\s+Sent \d+ bytes (\d+) pkt/.exec(line);
  const current = actions.at(-1);
  if (sent && current) current.stats = { packets: Number(sent[1]) };
}
