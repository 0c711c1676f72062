import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Item } from '../bundle/items.js';
import { PayloadEraser } from '../bundle/redact/capture.js';
import { redactDeep } from '../bundle/redact/redact.js';
import { type TraceNotes, tracePath } from '../bundle/trace.js';
import type { CapturePlan } from '../capture/plan.js';
import { type SavedCapture, saveInto } from '../capture/save.js';
import { buildCase } from '../engine/case.js';
import { tracedServices } from '../engine/traced-services.js';
import type { Observation } from '../types.js';
import type { Gathered } from './gather.js';
import type { Traced } from './judge.js';
import type { BundleOptions, Io, TraceOptions } from './options.js';
import { aboutTraced, nothingToTrace } from './trace.js';
import { traceLive } from './trace-live.js';

/** What was captured for a bundle; the files are there until `remove`. */
export interface TraceForBundle extends Traced {
  items: readonly Item[];
  remove(): void;
}

/** Captures end where they would leave no room for what else is in the bundle: this part of it is theirs. */
const share = 0.75;

/** Captures on all hosts. Payload is erased before anything is written; undefined, with a warning, where there is nothing to capture. */
export async function traceForBundle(
  options: BundleOptions & { trace: NonNullable<BundleOptions['trace']> },
  { snapshots, caseOptions }: Gathered,
  io: Io,
): Promise<TraceForBundle | undefined> {
  const { ports, durationMs, probe } = options.trace;
  const wish: TraceOptions = { ...options, only: [], skip: [], ports, upstreamPorts: [], durationMs, probe, drops: false, read: [] };
  const c = buildCase(snapshots, caseOptions);
  const services = tracedServices(c, wish);
  if (services.length === 0) {
    io.warn(`nothing was captured: ${nothingToTrace(c, wish)}`);
    return undefined;
  }
  const directory = mkdtempSync(join(tmpdir(), 'tpdoctor-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // A signal lets the process end without any `finally`.
  process.once('exit', remove);
  try {
    const store = new CaptureStore(directory, options.mostBytes * share, io);
    const never = new AbortController().signal;
    const observed = withoutSecrets(await traceLive(wish, { c, services, save: (plan) => store.open(plan) }, io, never));
    return { observed, ...aboutTraced(services), items: [notesItem(observed, ports), ...store.items()], remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Rules are named by their texts, and those may have comments. */
function withoutSecrets(observed: Observation): Observation {
  return redactDeep(observed) as Observation;
}

function notesItem({ window, points, counters }: Observation, ports: readonly number[]): Item {
  const notes: TraceNotes = { ports, window, points, counters };
  return {
    entry: { path: tracePath, kind: 'trace', from: 'counters before and after the captures', ok: true },
    content: Buffer.from(`${JSON.stringify(notes, null, 1)}\n`),
  };
}

/** The captures of one trace, with as many bytes as they may have together. */
export class CaptureStore {
  private readonly captures: { plan: CapturePlan; file: SavedCapture; cut: boolean }[] = [];
  private readonly save: (plan: CapturePlan) => SavedCapture;

  constructor(
    directory: string,
    private left: number,
    private readonly io: Io,
  ) {
    const eraser = new PayloadEraser();
    this.save = saveInto(directory, io.warn, () => eraser.stream());
  }

  open(plan: CapturePlan): SavedCapture {
    const capture = { plan, file: this.save(plan), cut: false };
    const { file } = capture;
    this.captures.push(capture);
    return {
      path: file.path,
      write: (chunk) => {
        if (capture.cut) return;
        this.left -= chunk.length;
        capture.cut = this.left < 0;
        if (!capture.cut) return file.write(chunk);
        this.io.warn(`${plan.host}: of the capture on ${plan.iface} only the beginning is in the bundle; --max-size makes room`);
        file.close();
      },
      restart: () => file.restart(),
      close: () => file.close(),
    };
  }

  items(): Item[] {
    return this.captures.flatMap(({ plan: { host, iface, direction, mac, filter }, file: { path }, cut }, n) => {
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      if (size === 0) return [];
      const about = {
        host,
        iface,
        from: `capture on ${iface}: ${filter}`.slice(0, 4096),
        ok: true,
        ...(cut ? { truncated: true as const } : {}),
      };
      const seen = { ...(direction ? { direction } : {}), ...(mac === undefined ? {} : { mac }) };
      const name = `captures/${n + 1}-${host.slice(0, 32)}-${iface.replace(/[^A-Za-z0-9._-]/g, '_')}${direction ? `-${direction}` : ''}.pcap`;
      return [{ entry: { path: name, kind: 'capture', ...about, ...seen }, content: { file: path, size } }];
    });
  }
}
