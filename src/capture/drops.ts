import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CounterDelta } from '../types.js';
import { whenEnding } from './drops/ending.js';
import { findTracefs, readMounts, removeStale, TraceInstance } from './drops/instance.js';
import { type Drops, Tally } from './drops/tally.js';
import { parseReasons } from './drops/text.js';

export type { DropCount, Drops } from './drops/tally.js';

export interface DropWatch {
  ok: true;
  /** Ends it, leaves nothing in the kernel, and tells what was seen. May be called again. */
  stop(): Promise<Drops>;
}

/** Between two looks into an empty pipe, milliseconds. */
const pauseMs = 100;
/** Reads, of at most a few KiB each, until others have their turn. */
const readsAtOnce = 128;

/**
 * Watches which packets the kernel of the machine that tpdoctor runs on throws away, and why, through a trace instance of its own (root only). `tracefs`
 * is where that is mounted. The instance is removed by stop(), when this process ends, and when a signal ends it that nobody else handles.
 */
export function watchDrops(tracefs = findTracefs(readMounts())): DropWatch | { ok: false; why: string } {
  if (tracefs === undefined)
    return {
      ok: false,
      why: 'drop reasons: tracefs is not mounted here, and tpdoctor mounts nothing (mount -t tracefs nodev /sys/kernel/tracing)',
    };
  try {
    const reasons = parseReasons(readFileSync(join(tracefs, 'events/skb/kfree_skb/format'), 'utf8'));
    if (reasons === undefined) return { ok: false, why: 'drop reasons: this kernel tells none, Linux 5.17 and later do' };
    removeStale(tracefs);
    return watch(TraceInstance.make(tracefs), reasons);
  } catch (error) {
    return { ok: false, why: `drop reasons: ${whyNot(error)}` };
  }
}

function whyNot(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') return 'only root may trace the kernel, and not where it is locked down';
  if (code === 'ENOENT') return 'this kernel has no event skb:kfree_skb, or no trace instances';
  return error instanceof Error ? error.message.slice(0, 300) : String(error);
}

function watch(instance: TraceInstance, reasons: ReadonlyMap<number, string>): DropWatch {
  const tally = new Tally(reasons);
  const release = whenEnding(() => instance.remove());
  let timer: NodeJS.Timeout;
  const lookIn = (ms: number): void => {
    timer = setTimeout(() => lookIn(take(instance, tally, readsAtOnce) ? 0 : pauseMs), ms).unref();
  };
  lookIn(pauseMs);
  let stopped: Promise<Drops> | undefined;
  const stop = (): Promise<Drops> => {
    clearTimeout(timer);
    instance.disable();
    // What is in the buffers of all processors has an end now.
    while (take(instance, tally, readsAtOnce));
    instance.remove();
    release();
    return tally.told(() => readFile('/proc/kallsyms', 'latin1'));
  };
  return {
    ok: true,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Whether there may be more. */
function take(instance: TraceInstance, tally: Tally, reads: number): boolean {
  for (let i = 0; i < reads; i++) {
    const text = instance.read();
    if (text === undefined) return false;
    tally.add(text);
  }
  return true;
}

/** Drops as evidence: `drop reason NOT_SPECIFIED in ip_rcv_finish_core`. `host` is the machine that dropped them. */
export function dropDeltas({ counts }: Drops, host: string): CounterDelta[] {
  return counts.map(({ reason, where, protocol, count }) => ({
    host,
    name: `drop reason ${reason} in ${where} (${protocol})`,
    delta: count,
    source: 'tracepoint skb:kfree_skb',
    scope: 'machine',
  }));
}
