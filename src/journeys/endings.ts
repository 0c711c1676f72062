import type { FoundPattern } from './pattern.js';

/** A packet that something is to be said of. */
export interface NotedPacket {
  point: number;
  /** Microseconds since the epoch, as the packet's own time was given to the tracer. */
  time: number;
  /** The client's port in it. */
  port: number;
}

/** A packet after which a transaction failed. */
export interface Ending extends NotedPacket {
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

/** What is to be said of packets, for whoever looks at them in Wireshark: where failed transactions ended, and where each pattern's example began. */
export function tellPackets(patterns: readonly FoundPattern[], endings: Endings): (NotedPacket & { text: string })[] {
  const told = endings.kept.map(({ pattern, ...packet }) => ({ ...packet, text: tellEnding(pattern) }));
  const byPacket = new Map(told.map((remark) => [nameOf(remark), remark]));
  for (const pattern of patterns) {
    const [first] = pattern.sightings;
    if (first === undefined) continue;
    const beginning = { point: first.point, time: pattern.at + first.after, port: first.port, text: tellBeginning(pattern) };
    const end = byPacket.get(nameOf(beginning));
    // Of a transaction that was seen once both are the same packet, which has one remark.
    if (end) end.text = `${beginning.text}; ${end.text}`;
    else told.push(beginning);
  }
  return told;
}

const nameOf = ({ point, time, port }: NotedPacket): string => `${point} ${Math.round(time)} ${port}`;

function tellEnding(pattern: FoundPattern): string {
  const shared = pattern.count === 1 ? 'no other went this way' : `${pattern.count} went this way`;
  return `tpdoctor: here a transaction${serviceOf(pattern)} ended: ${endOf(pattern)}; ${shared}`;
}

function tellBeginning(pattern: FoundPattern): string {
  const shared = pattern.count === 1 ? 'no other went its way' : `${pattern.count} went its way`;
  return `tpdoctor: here an example${serviceOf(pattern)} began: ${endOf(pattern)}; ${shared}`;
}

function endOf({ judgement: { end, vanishedAfter } }: FoundPattern): string {
  return vanishedAfter === undefined ? end : `${end} after ${vanishedAfter.host}/${vanishedAfter.iface}`;
}

const serviceOf = ({ service }: FoundPattern): string => (service?.id === undefined ? '' : ` of ${service.id}`);
