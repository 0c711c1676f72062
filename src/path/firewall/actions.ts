import { canonical, isAddress } from '../../net/address.js';
import type { FirewallAction, Packet } from '../../types.js';
import type { Nat, State } from './state.js';

/** What an action that ends no chain leaves behind: the state afterwards, or that the rule ends here. */
export type Effect =
  | { kind: 'next'; state: State }
  | { kind: 'end-rule' }
  | { kind: 'either'; states: readonly State[] }
  | { kind: 'unknown' };

export type ChangingAction = Extract<
  FirewallAction,
  { do: 'mark' | 'connection-mark' | 'save-mark' | 'restore-mark' | 'rewrite' | 'notrack' | 'nothing' | 'unknown' }
>;

/** `early`: connection tracking has not seen the packet yet. */
export function apply(action: ChangingAction, state: State, early: boolean): Effect {
  switch (action.do) {
    case 'nothing':
      return { kind: 'next', state };
    case 'mark':
      return withPacket(state, { mark: changed(state.packet.mark, action) });
    case 'connection-mark': {
      // Where nothing is known of the old mark, a mask of all bits still makes the new one known.
      const old = state.connectionMark ?? (action.mask >>> 0 === 0xffffffff ? 0 : undefined);
      return { kind: 'next', state: { ...state, connectionMark: old === undefined ? undefined : changed(old, action) } };
    }
    case 'save-mark': {
      const old = state.connectionMark ?? (action.mask >>> 0 === 0xffffffff ? 0 : undefined);
      const value = (state.packet.mark & action.mask) >>> 0;
      return {
        kind: 'next',
        state: { ...state, connectionMark: old === undefined ? undefined : changed(old, { value, mask: action.mask }) },
      };
    }
    case 'restore-mark': {
      if (!state.tracked) return { kind: 'next', state };
      const { packet, connectionMark } = state;
      const restored = (from: number): State => {
        const mark = changed(packet.mark, { value: (from & action.mask) >>> 0, mask: action.mask });
        return { ...state, packet: { ...packet, mark } };
      };
      // Not known: none, as for most connections, or some mark, for which all bits stand.
      if (connectionMark === undefined) return { kind: 'either', states: [restored(0), restored(action.mask)] };
      return { kind: 'next', state: restored(connectionMark) };
    }
    case 'rewrite':
      return rewrite(action, state);
    case 'notrack':
      return { kind: 'next', state: early ? { ...state, tracked: false } : state };
    case 'unknown':
      return { kind: 'unknown' };
  }
}

/** The xmark form, as xt_mark.c computes it. */
function changed(old: number, { value, mask }: { value: number; mask: number }): number {
  return ((old & ~mask) ^ value) >>> 0;
}

function withPacket(state: State, change: Partial<Packet>): Effect {
  return { kind: 'next', state: { ...state, packet: { ...state.packet, ...change } } };
}

function rewrite(action: ChangingAction & { do: 'rewrite' }, state: State): Effect {
  const { field } = action;
  if (field === 'source-address' || field === 'destination-address') {
    const side = field === 'source-address' ? 'source' : 'destination';
    const old = canonical(state.packet[side]);
    if (action.map && !Object.hasOwn(action.map, old)) return { kind: 'end-rule' };
    const to = action.map ? action.map[old] : action.to;
    return to !== undefined && isAddress(to) ? withPacket(state, { [side]: canonical(to) }) : { kind: 'unknown' };
  }
  const side = field === 'source-port' ? 'sourcePort' : 'destinationPort';
  const old = state.packet[side];
  // A later fragment has no port to write to.
  if (old === undefined) return { kind: 'end-rule' };
  if (action.map && !Object.hasOwn(action.map, String(old))) return { kind: 'end-rule' };
  const to = Number(action.map ? action.map[String(old)] : (action.to ?? Number.NaN));
  return Number.isInteger(to) && to >= 0 && to <= 65535 ? withPacket(state, { [side]: to }) : { kind: 'unknown' };
}

/** Address translation, recorded; the packet changes where the new address is a single one. */
export function translate(nat: Nat, state: State): State {
  const packet = { ...state.packet };
  const target = /^\[?([0-9a-fA-F.:]+?)\]?(?::(\d{1,5}))?$/.exec(nat.to ?? '');
  const address = isAddress(nat.to ?? '') ? nat.to : target?.[1];
  if (address !== undefined && isAddress(address)) packet[nat.kind === 'snat' ? 'source' : 'destination'] = canonical(address);
  const port = isAddress(nat.to ?? '') ? undefined : target?.[2];
  if (port !== undefined) packet[nat.kind === 'snat' ? 'sourcePort' : 'destinationPort'] = Number(port);
  return { ...state, packet, nat };
}
