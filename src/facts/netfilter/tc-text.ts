import { isObject, type JsonObject } from './nft-json.js';

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
    } else if (last) {
      if (last.item.kind === 'flower' && last.actions.length === 0) readFlowerKey(line, last.options);
      readDetail(line, last.options, last.actions);
    }
  }
  return items.map(({ item, options, actions }) => {
    const present = Object.keys(options).length > 0 || actions.length > 0;
    return present ? { ...item, options: { ...options, actions } } : item;
  });
}

function headOptions(rest: string): Record<string, unknown> {
  const handle = /\b(?:fh|handle) (\S+)/.exec(rest)?.[1];
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
  if (action) actions.push(readAction(action[1] ?? '', action[2] ?? ''));
  const current = actions.at(-1);
  const key = current && readKey(line);
  if (key) current.keys = [...(Array.isArray(current.keys) ? current.keys : []), key];
  const sent = /^\s+Sent \d+ bytes (\d+) pkt/.exec(line);
  if (sent && current) current.stats = { packets: Number(sent[1]) };
}

/** `  src_ip 10.0.0.0/28`, one key a line. Words about hardware have no value or are no key. */
function readFlowerKey(line: string, options: Record<string, unknown>): void {
  const [, key, value = ''] = /^\s+([a-z_]+) (\S+)\s*$/.exec(line) ?? [];
  if (key === undefined || key === 'action' || key === 'in_hw_count') return;
  const keys = isObject(options.keys) ? options.keys : {};
  options.keys = { ...keys, [key]: /^\d{1,5}$/.test(value) ? Number(value) : value };
}

/** The verdict stands at the end of the line, pedit's and csum's behind the word `action`. */
function readAction(kind: string, rest: string): Record<string, unknown> {
  const verdict = /^(?:.*\s)?(pass|pipe|drop|continue|reclassify|stolen)(?:\s+keys \d+)?\s*$/.exec(rest)?.[1];
  const control = verdict === undefined ? {} : { control_action: { type: verdict } };
  return { kind, ...optionsOf(kind, rest), ...control };
}

function optionsOf(kind: string, rest: string): Record<string, unknown> {
  if (kind === 'nat') {
    const [, direction, old, next] = /^ (ingress|egress) (\S+) (\S+)/.exec(rest) ?? [];
    return { direction, old_addr: old, new_addr: next };
  }
  if (kind === 'mirred') {
    const [, side = '', what = '', to] = /^ \((Egress|Ingress) (Redirect|Mirror) to device (\S{1,15})\)/.exec(rest) ?? [];
    return { direction: side.toLowerCase(), mirred_action: what.toLowerCase(), to_dev: to };
  }
  if (kind === 'skbedit') {
    const [, mark, mask] = /\bmark (\d{1,10})(?:\/(0x[0-9a-f]{1,8}))?/.exec(rest) ?? [];
    const ptype = /\bptype (\w+)/.exec(rest)?.[1];
    return { ...(mark === undefined ? {} : { mark: Number(mark) }), ...(mask === undefined ? {} : { mask }), ptype };
  }
  return kind === 'csum' ? { csum: /^ \(([a-z, ]*)\)/.exec(rest)?.[1] } : {};
}

/** ` key #0  at ipv4+16: val 01020304 mask 00000000`; without a header's name the offset is from the network header. */
function readKey(line: string): Record<string, unknown> | undefined {
  const found = /^\s+key #\d+\s+at (?:([a-z][a-z0-9]*)(?=[+-]))?([+-]?\d+): (val|add) ([0-9a-f]{8}) mask ([0-9a-f]{8})$/.exec(
    line.trimEnd(),
  );
  if (!found) return undefined;
  const [, htype = 'network', offset, command, val, mask] = found;
  return { htype, offset: Number(offset), cmd: command === 'val' ? 'set' : 'add', val, mask };
}
