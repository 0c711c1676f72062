import type { PatternStep } from '../../types.js';
import { displayWidth, shorten } from '../layout.js';

/** A part of a printed address that may have changed since it was printed before. */
export interface Part {
  text: string;
  isNew: boolean;
}

/** Longer than any address and port. */
export const mostEndpoint = 56;

/** `src → dst` in parts, so that what was rewritten can be painted; on two lines where one has no room for it. */
export function addresses(step: Ends, before: Ends | undefined, { arrow, room }: { arrow: string; room: number }): Part[][] {
  const [src, dst] = [compared(step.src, before?.src), compared(step.dst, before?.dst)];
  const between = (text: string): Part => ({ text, isNew: false });
  const oneLine = [...src, between(` ${arrow} `), ...dst];
  return widthOf(oneLine) <= room ? [oneLine] : [src, [between(`${arrow} `), ...dst]];
}

type Ends = Pick<PatternStep, 'src' | 'dst'>;

export function widthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { text }) => sum + displayWidth(text), 0);
}

function compared(now: string, before: string | undefined): Part[] {
  if (before === undefined || displayWidth(now) > mostEndpoint) return [{ text: shorten(now, mostEndpoint), isNew: false }];
  const [address, port] = split(now);
  const [oldAddress, oldPort] = split(before);
  return [{ text: address, isNew: address !== oldAddress }, ...(port === '' ? [] : [{ text: port, isNew: port !== oldPort }])];
}

/** Address and `:port`; a text that is no address stays whole. */
export function split(endpoint: string): [string, string] {
  const [, address, port] = /^(\[[^\]]*\]|[^:]*)(:\d+)$/.exec(endpoint) ?? [];
  return address === undefined || port === undefined ? [endpoint, ''] : [address, port];
}
