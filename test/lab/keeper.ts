import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('keeper.sh', import.meta.url));

/**
 * A process of its own that knows what a lab consists of and removes it when told to, or when this process is gone.
 * It leads its own session, so Ctrl-C does not reach it before its work is done.
 */
export class Keeper {
  private readonly child: ChildProcess = spawn('sh', [script], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  private readonly ended = once(this.child, 'exit');

  /** Call before making it: what is half made must go too. */
  record(kind: 'netns' | 'directory', name: string): void {
    this.child.stdin?.write(`${kind} ${name}\n`);
  }

  /** Resolves when nothing is left. May be called again. */
  async removeAll(): Promise<void> {
    this.child.stdin?.end();
    await this.ended;
  }
}
