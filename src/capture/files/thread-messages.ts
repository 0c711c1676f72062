import type { Viewpoint } from '../../journeys/feed.js';
import type { FileEnd } from '../../journeys/offline.js';

/** What the thread is started with. */
export interface ReadTask {
  paths: readonly string[];
  points: readonly Viewpoint[];
  /** How many blocks of packets there are; each comes back when it has been looked through. */
  blocks: number;
}

/** A block of packets of which so many words of 32 bits are used, or how the captures ended: then nothing more comes. */
export type FromThread = { block: ArrayBuffer; used: number } | { ends: FileEnd[] };
