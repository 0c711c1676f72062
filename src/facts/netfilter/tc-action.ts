import { parsePrefix } from '../../net/prefix.js';
import type { TcAction, TcEdit } from '../../types.js';
import { get, type Json, list, number, text } from './nft-json.js';

/** One entry of `actions` as tc prints it in JSON. */
export function readAction(action: Json): TcAction {
  const kind = text(get(action, 'kind')) ?? text(get(action, 'type')) ?? 'unnamed';
  const verdict = text(get(action, 'control_action', 'type'));
  // gact's verdict is its name, and a policer's depends on the rate.
  const follows = verdict === undefined || kind === 'gact' || kind === 'police' ? {} : { verdict };
  return {
    ...(nat(kind, action) ?? edit(kind, action) ?? mark(kind, action) ?? redirect(kind, action) ?? other(kind, action)),
    ...follows,
  };
}

function nat(kind: string, action: Json): TcAction | undefined {
  const [direction, old, next] = ['direction', 'old_addr', 'new_addr'].map((key) => text(get(action, key)));
  const packets = number(get(action, 'stats', 'packets'));
  if (kind !== 'nat' || (direction !== 'ingress' && direction !== 'egress') || !parsePrefix(old ?? '') || !parsePrefix(next ?? ''))
    return undefined;
  return { kind: 'nat', direction, old: old ?? '', new: next ?? '', ...(packets === undefined ? {} : { packets }) };
}

function mark(kind: string, action: Json): TcAction | undefined {
  const value = number(get(action, 'mark'));
  if (kind !== 'skbedit' || value === undefined) return undefined;
  const mask = get(action, 'mask') === undefined ? 0xffffffff : hex(get(action, 'mask'));
  // Another packet type may hide the packet from its host.
  return mask === undefined || get(action, 'ptype') !== undefined ? undefined : { kind: 'mark', value: (value & mask) >>> 0, mask };
}

function redirect(kind: string, action: Json): TcAction | undefined {
  const [what, side, to] = ['mirred_action', 'direction', 'to_dev'].map((key) => text(get(action, key)));
  if (kind !== 'mirred' || what !== 'redirect' || (side !== 'ingress' && side !== 'egress') || to === undefined) return undefined;
  return { kind: 'redirect', to, side };
}

function edit(kind: string, action: Json): TcAction | undefined {
  if (kind !== 'pedit') return undefined;
  const edits = list(get(action, 'keys')).map(editsOf);
  return edits.length > 0 && edits.every((found) => found !== undefined) ? { kind: 'edit', edits: edits.flat() } : undefined;
}

/** Where in IPv4 the network header and the ports begin, without options; `ipv4` counts from the one, `tcp` and `udp` from the other (pedit_htype_str[]). */
const starts = new Map([
  ['network', 0],
  ['ipv4', 0],
  ['tcp', 20],
  ['udp', 20],
]);

/** Undefined for a key that touches anything but addresses, ports, type of service and time to live, or that adds. */
function editsOf(key: Json): TcEdit[] | undefined {
  const start = starts.get(text(get(key, 'htype')) ?? 'network');
  const offset = number(get(key, 'offset'));
  const [keep, flip] = [hex(get(key, 'mask')), hex(get(key, 'val'))];
  if (start === undefined || offset === undefined || keep === undefined || flip === undefined) return undefined;
  const touched = (~keep | flip) >>> 0;
  const at = start + offset;
  const isSet = text(get(key, 'cmd')) === 'set';
  if (at === 0) return (touched & ~0x00ff0000) === 0 ? [] : undefined;
  if (at === 8) return (touched & 0x00ffffff) === 0 ? [] : undefined;
  if (!isSet) return undefined;
  if (at === 12 || at === 16) return [{ field: at === 12 ? 'source' : 'destination', keep, flip }];
  if (at !== 20) return undefined;
  return [
    ...(touched >>> 16 === 0 ? [] : [{ field: 'sourcePort' as const, keep: keep >>> 16, flip: flip >>> 16 }]),
    ...((touched & 0xffff) === 0 ? [] : [{ field: 'destinationPort' as const, keep: keep & 0xffff, flip: flip & 0xffff }]),
  ];
}

/** Hexadecimal with or without 0x, as print_hex() and print_0xhex() write it. */
function hex(value: Json): number | undefined {
  const digits = (text(value) ?? '').replace(/^0x/, '');
  return /^[0-9a-f]{1,8}$/i.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

/** By name, with what becomes of the packet: gact's verdict (`gact drop`), whether mirred sends a copy, which checksums csum mends. */
function other(kind: string, action: Json): TcAction {
  const word = () => {
    if (kind === 'gact') return text(get(action, 'control_action', 'type'));
    if (kind === 'skbedit') return get(action, 'mark') === undefined && get(action, 'ptype') === undefined ? undefined : 'mark';
    if (kind === 'mirred') return text(get(action, 'mirred_action'));
    return kind === 'csum' ? text(get(action, 'csum')) : undefined;
  };
  return { kind: 'other', name: [kind, word() ?? ''].filter((part) => part !== '').join(' ') };
}
