import type { FoundPattern } from './pattern.js';

/** A packet after which a transaction failed. */
export interface Ending {
  point: number;
  /** Microseconds since the epoch, as the packet's own time was given to the tracer. */
  time: number;
  /** The client's port in it. */
  port: number;
  pattern: FoundPattern;
}

/** More than these are only counted. */
const most = 10_000;

/** The packets that failed transactions ended with, in bounded memory. */
export class Endings {
  readonly kept: Ending[] = [];
  missed = 0;

  note(ending: Ending): void {
    if (this.kept.length < most) this.kept.push(ending);
    else this.missed++;
  }
}

export const hasFailed = ({ judgement: { end } }: FoundPattern): boolean =>
  end === 'vanished' || end === 'refused' || end === 'misdelivered';

/** For whoever looks at the packet in Wireshark. */
export function tellEnding({ pattern }: Ending): string {
  const { end, vanishedAfter } = pattern.judgement;
  const where = vanishedAfter === undefined ? '' : ` after ${vanishedAfter.host}/${vanishedAfter.iface}`;
  const service = pattern.service?.id === undefined ? '' : ` of ${pattern.service.id}`;
  const shared = pattern.count === 1 ? 'no other went this way' : `${pattern.count} went this way`;
  return `tpdoctor: here a transaction${service} ended: ${end}${where}; ${shared}`;
}
