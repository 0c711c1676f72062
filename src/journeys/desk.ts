import type { Direction } from '../packets/headers.js';
import type { KeyHash } from './key-hash.js';
import type { KeyTable } from './key-table.js';
import type { Marks } from './marks.js';
import type { Endpoints } from './services.js';
import type { Slots } from './slots.js';

/** What the joiners of UDP and TCP share. */
export interface Desk {
  readonly endpoints: Endpoints;
  readonly marks: Marks;
  readonly slots: Slots;
  readonly keys: KeyTable;
  readonly hash: KeyHash;
  /** The direction of a packet that nothing else tells it of. */
  directionAt(point: number, direction: Direction, to: boolean, endpoint: number): Direction;
}
