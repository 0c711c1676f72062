import type { CaptureEnd, CapturePlan } from './plan.js';

export type Counts = Omit<CaptureEnd, 'why'>;

/** What a line of a capturing program's standard error says. */
export type Heard =
  | { kind: 'ready' }
  | { kind: 'counts'; counts: Partial<Counts> }
  | { kind: 'complaint'; text: string }
  | { kind: 'nothing' };

/** A program that writes a pcap stream to its standard output, ends on SIGTERM, and speaks of itself in lines on its standard error. */
export interface Engine {
  name: 'tcpdump' | 'pcap';
  command(plan: CapturePlan): readonly [string, ...string[]];
  hear(line: string): Heard;
}
