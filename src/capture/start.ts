import { explainFailure } from '../host/target.js';
import type { Counts, Engine } from './engine.js';
import { startKept } from './kept.js';
import { installedPcap, pcapCan } from './pcap.js';
import type { CaptureEnd, CapturePlan, Readiness, RunningCapture } from './plan.js';
import { tcpdump } from './tcpdump.js';

export interface CaptureOptions {
  /** When absent, libpcap where tpdoctor has it and it can, else tcpdump. */
  engine?: Engine;
  /** Milliseconds that it may take to begin; 10000 when absent. */
  startMs?: number;
  /** Milliseconds that it may take to end and to hand over what it has; 5000 when absent. */
  stopMs?: number;
}

/** Starts a capture. Its bytes are one stream in pcap format, in chunks of any size, which `onBytes` may keep. */
export function startCapture(plan: CapturePlan, onBytes: (chunk: Uint8Array) => void, options: CaptureOptions = {}): RunningCapture {
  const { engine = engineFor(plan), startMs = 10_000, stopMs = 5000 } = options;
  const account = new Account(engine, (why) => `${explainFailure(plan.target, why)}${hintFor(plan, why)}`);
  const kept = startKept(plan.target, engine.command(plan), { bytes: onBytes, line: (text) => account.hear(text) }, stopMs);
  const tooLate = setTimeout(() => {
    account.complain(`the capture did not begin within ${startMs / 1000} s`);
    kept.finish();
  }, startMs);
  const ended = kept.ended.then((how) => {
    account.complain(`the capture ${how}`);
    return account.end();
  });
  const ready = Promise.race([account.begun, ended.then(({ why = 'stopped before it began' }): Readiness => ({ ok: false, why }))]);
  ready.then(() => clearTimeout(tooLate));
  return {
    plan,
    ready,
    ended,
    stop: () => {
      account.stopped = true;
      kept.finish();
      return ended;
    },
  };
}

let pcap: Engine | undefined | 'not looked for' = 'not looked for';

function engineFor(plan: CapturePlan): Engine {
  // The package runs on this machine alone.
  if (plan.target.kind === 'ssh') return tcpdump;
  if (pcap === 'not looked for') pcap = installedPcap();
  return pcap !== undefined && pcapCan(plan) ? pcap : tcpdump;
}

function hintFor({ target }: CapturePlan, why: string): string {
  if (/permission|not permitted/i.test(why)) return ' (a capture needs root, or the capability CAP_NET_RAW)';
  if (why !== 'tcpdump is not installed there' || target.kind === 'ssh' || pcap !== undefined) return '';
  return ', nor is the npm package pcap here, which npm leaves out where it cannot build it with the headers of libpcap';
}

/** What a capture has told of itself. */
class Account {
  stopped = false;
  readonly begun: Promise<Readiness>;
  private begin: (is: Readiness) => void = () => undefined;
  private readonly counts: Counts = { captured: undefined, received: undefined, dropped: undefined };
  private readonly complaints: string[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly explain: (why: string) => string,
  ) {
    this.begun = new Promise((resolve) => {
      this.begin = resolve;
    });
  }

  hear(line: string): void {
    const heard = this.engine.hear(line);
    if (heard.kind === 'ready') this.begin({ ok: true });
    else if (heard.kind === 'complaint') this.complain(heard.text);
    else if (heard.kind === 'counts') this.add(heard.counts);
  }

  /** Drops are told twice: those of the kernel and those of the interface. */
  private add(counts: Partial<Counts>): void {
    for (const name of ['captured', 'received', 'dropped'] as const) {
      const more = counts[name];
      if (more !== undefined) this.counts[name] = (this.counts[name] ?? 0) + more;
    }
  }

  /** The first complaint is the reason, what follows are its consequences. */
  complain(text: string): void {
    if (this.complaints.length === 0) this.complaints.push(text);
  }

  end(): CaptureEnd {
    const [why = ''] = this.complaints;
    return this.stopped ? this.counts : { ...this.counts, why: this.explain(why.slice(0, 500)) };
  }
}
