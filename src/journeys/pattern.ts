import type { Judgement } from './judge.js';
import type { TracedService } from './services.js';
import type { Sighting } from './sighting.js';

/** Transactions that went one way, with the first of them as the example. */
export interface FoundPattern {
  count: number;
  sightings: readonly Sighting[];
  judgement: Judgement;
  service?: TracedService;
  /** Number of the upstream's address and port; 0: none was seen. */
  upstream: number;
  family: 4 | 6;
  /** Of the example. */
  client: Uint32Array;
  clientPort: number;
  /** Microseconds since the epoch. */
  at: number;
}
