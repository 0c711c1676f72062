import { graft, sameAddress } from '../net/address.js';
import { contains, parsePrefix } from '../net/prefix.js';
import type { Packet, TcAction, TcEdit, TcFilter, TcMatch } from '../types.js';

type Nat = TcAction & { kind: 'nat' };
type Redirect = TcAction & { kind: 'redirect' };

/** What the actions of one filter make of a packet that it takes (tcf_action_exec()). */
export type Acted =
  | { end: 'pass' | 'next-filter'; packet: Packet }
  | { end: 'drop' | 'unknown' }
  /** Its checksums do not fit what was edited: the next host drops it. */
  | { end: 'damaged' }
  | { end: 'redirect'; redirect: Redirect; packet: Packet };

/** Verdicts that leave the packet to the rest of its way, and those that hand it to the next filter. */
const passing = new Set(['pass', 'ok', 'reclassify']);
const onwards = new Set(['continue', 'unspec']);
const dropping = new Set(['drop', 'shot']);

/** One after the other, as long as each says `pipe`. A verdict that was not printed is taken for `pipe`, most kinds' own. */
export function act(filter: TcFilter, packet: Packet): Acted {
  let current = packet;
  const mended = new Set<string>();
  for (const action of filter.actions) {
    if (action.kind === 'redirect') return { end: 'redirect', redirect: action, packet: current };
    const next = one(action, current, filter.match);
    if (next === undefined) return { end: 'unknown' };
    if (action.kind === 'edit' && next !== current) mended.clear();
    if (action.kind === 'other') for (const sum of checksumsOf(action.name)) mended.add(sum);
    current = next;
    const verdict = verdictOf(action);
    if (verdict === 'pipe') continue;
    if (dropping.has(verdict)) return { end: 'drop' };
    if (onwards.has(verdict)) return { end: 'next-filter', packet: current };
    if (passing.has(verdict)) break;
    return { end: 'unknown' };
  }
  return checked(filter, packet, current, mended);
}

function verdictOf(action: TcAction): string {
  if (action.kind === 'other' && action.name.startsWith('gact ')) return action.name.slice('gact '.length);
  return action.verdict ?? 'pipe';
}

/** pedit mends no checksum. A wrong one in the IP header is dropped by any host; one of TCP or UDP may yet be computed by the card. */
function checked({ actions }: TcFilter, before: Packet, packet: Packet, mended: ReadonlySet<string>): Acted {
  const isEdited = actions.some(({ kind }) => kind === 'edit');
  const addresses = isEdited && (packet.source !== before.source || packet.destination !== before.destination);
  const ports = isEdited && (packet.sourcePort !== before.sourcePort || packet.destinationPort !== before.destinationPort);
  if (addresses && !mended.has('iph')) return { end: 'damaged' };
  const payload = packet.protocol === 6 ? 'tcp' : 'udp';
  return (addresses || ports) && !mended.has(payload) ? { end: 'unknown' } : { end: 'pass', packet };
}

/** `csum (iph, udp)`, in the words of m_csum.c. */
function checksumsOf(name: string): string[] {
  return name.startsWith('csum ') ? (name.match(/[a-z]+/g)?.slice(1) ?? []) : [];
}

/** A policer drops what is too much and lets the rest pass; skbedit without a mark changes the queue or the priority. */
const harmless = new Set([
  ...['pass', 'ok', 'pipe', 'continue', 'unspec', 'reclassify', 'drop', 'shot'].map((verdict) => `gact ${verdict}`),
  ...['mirred mirror', 'sample', 'connmark', 'simple', 'police', 'skbedit'],
]);

/** The packet behind an action; undefined where that cannot be told. */
function one(action: TcAction, packet: Packet, match: TcMatch | undefined): Packet | undefined {
  switch (action.kind) {
    case 'nat':
      return turn(packet, action, match);
    case 'mark':
      return { ...packet, mark: ((packet.mark & ~action.mask) | action.value) >>> 0 };
    case 'edit':
      return packet.family === 4
        ? action.edits.reduce<Packet | undefined>((edited, each) => edited && edit(edited, each), packet)
        : undefined;
    case 'redirect':
      return packet;
    case 'other':
      return isHarmless(action.name) ? packet : undefined;
  }
}

/** Whether an action does anything to the packets that pass it. */
export function matters(action: TcAction): boolean {
  return action.kind !== 'other' || !isHarmless(action.name) || dropping.has(verdictOf(action));
}

function isHarmless(name: string): boolean {
  return harmless.has(name) || name === 'csum' || name.startsWith('csum ');
}

function edit(packet: Packet, { field, keep, flip }: TcEdit): Packet | undefined {
  if (field === 'source' || field === 'destination') {
    const old = packet[field].split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
    const value = ((old & keep) ^ flip) >>> 0;
    return { ...packet, [field]: [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.') };
  }
  // A later fragment has payload where the ports would be.
  const port = packet[field];
  return port === undefined ? undefined : { ...packet, [field]: (port & keep) ^ flip };
}

/** act_nat.c: `egress` turns the source, `ingress` the destination, wherever the filter hangs; IPv4 only. */
function turn(packet: Packet, action: Nat, match: TcMatch | undefined): Packet {
  if (packet.family !== 4) return packet;
  const side = action.direction === 'egress' ? 'source' : 'destination';
  const old = oldPrefix(action, match?.[side]);
  if (old === undefined || !contains(`${old.address}/${old.length}`, packet[side])) return packet;
  const address = graft(parsePrefix(action.new)?.address ?? '', packet[side], old.length);
  return address === undefined ? packet : { ...packet, [side]: address };
}

/** Whether a translation changes this packet, if its filter takes it. */
export function turns(action: Nat, match: TcMatch | undefined, packet: Packet): boolean {
  return turn(packet, action, match) !== packet;
}

/**
 * The addresses an action turns. iproute2 prints every mask as /32 (m_nat.c counts the bits of a mask in network byte order),
 * so a filter for a prefix whose network address the action names as old address means that whole prefix.
 */
function oldPrefix(action: Nat, matched: string | undefined): { address: string; length: number } | undefined {
  const printed = parsePrefix(action.old);
  const filtered = parsePrefix(matched ?? '');
  if (!printed) return undefined;
  const shortened = filtered && printed.length === 32 && filtered.length < 32 && sameAddress(filtered.address, printed.address);
  return { address: printed.address, length: shortened ? filtered.length : printed.length };
}
