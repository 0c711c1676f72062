import { Gist } from './gist.js';
import { Headers } from './headers.js';

/** One packet as it was seen at a point. One instance is filled again and again: it is valid during the call that it is given to. */
export class Packet {
  readonly headers = new Headers();
  readonly gist = new Gist();
  /** Microseconds since the epoch. A number in a field needs no box of its own, where one that is passed on does. */
  time = 0;
}
