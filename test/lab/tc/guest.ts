import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ofProject } from './root.js';

/** Whether the running kernel rewrites by `tc … action nat`: it is tried. */
export const kernelHasTcNat = (): boolean => spawnSync('sh', [ofProject('bin/has-tc-nat')]).status === 0;

/** What the kernel says when it is switched off. */
const kernelMessage = /^\[ *\d+\.\d+\] .*\n/gm;

/** A program of this machine that runs in a micro virtual machine whose kernel has act_nat. */
export class Guest {
  /** What the guest writes below /run/shared is found here. */
  readonly shared = mkdtempSync(join(tmpdir(), 'tpguest-'));
  readonly ended: Promise<unknown>;
  private readonly child: ChildProcess;
  private console = '';

  /** `show` gets the guest's console as it grows. */
  constructor(command: readonly string[], show: (text: string) => void = () => {}) {
    // The kernel ends it when this process goes, in whatever way.
    const words = ['--pdeathsig', 'KILL', 'sh', ofProject('bin/guest'), this.shared, ...command];
    this.child = spawn('setpriv', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.console = (this.console + text).slice(-4000);
        show(text.replaceAll('\r', '').replace(kernelMessage, ''));
      });
    this.ended = once(this.child, 'close');
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The end of what it printed. */
  get lastWords(): string {
    return this.console;
  }

  /** Switches it off if it still runs, and removes the shared directory. */
  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
    rmSync(this.shared, { recursive: true, force: true });
  }
}
