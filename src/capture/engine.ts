import type { CapturePlan } from './plan.js';

/** What a line of a capturing program's standard error says. */
export type Heard =
  | { kind: 'ready' }
  | { kind: 'count'; name: 'captured' | 'received' | 'dropped'; packets: number }
  | { kind: 'complaint'; text: string }
  | { kind: 'nothing' };

/** A program that writes a pcap stream to its standard output, ends on SIGTERM, and speaks of itself in lines on its standard error. */
export interface Engine {
  name: 'tcpdump' | 'pcap';
  command(plan: CapturePlan): readonly [string, ...string[]];
  hear(line: string): Heard;
}
