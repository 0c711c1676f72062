import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of its own for a real nginx: configuration, logs and temporary files stay in it. */
export class Scratch {
  readonly directory = mkdtempSync(join(tmpdir(), 'nginx-'));
  private readonly started: ChildProcess[] = [];

  constructor() {
    for (const name of ['logs', 'tmp', 'conf']) mkdirSync(join(this.directory, name));
  }

  write(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, text);
    return path;
  }

  /** What nginx itself thinks of a configuration: undefined when it accepts it, else its first complaint. */
  complaint(text: string): string | undefined {
    const file = this.write('conf/nginx.conf', text);
    const { status, stderr } = spawnSync('nginx', ['-t', '-q', '-p', this.directory, '-c', file, '-e', 'stderr'], { encoding: 'utf8' });
    return status === 0 ? undefined : stderr.split('\n').find((line) => /emerg|alert|error/.test(line)) || `exit ${status}`;
  }

  /** Starts nginx and waits until it has written its pid. */
  async start(text: string): Promise<number> {
    const file = this.write('conf/nginx.conf', text);
    const child = spawn('nginx', ['-p', this.directory, '-c', file, '-e', join(this.directory, 'logs/start.log')], { stdio: 'ignore' });
    this.started.push(child);
    const pid = child.pid;
    for (let i = 0; i < 600; i++) {
      if (pid !== undefined && workersOf(pid) > 0) return pid;
      await new Promise((done) => setTimeout(done, 25));
    }
    throw new Error('nginx did not start');
  }

  /** Ends what was started, and removes the directory. */
  async remove(): Promise<void> {
    for (const child of this.started) {
      if (child.exitCode !== null) continue;
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function workersOf(pid: number): number {
  try {
    return execFileSync('ps', ['--ppid', String(pid), '-o', 'args='], { encoding: 'utf8' }).split('worker process').length - 1;
  } catch {
    return 0;
  }
}

/** A whole configuration around the content of `http`; everything it writes is inside the prefix. */
export function httpConfig(content: string, main = ''): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path tmp/${name};`).join(' ');
  return `${main}\npid logs/nginx.pid;\nevents { }\nhttp { access_log off; ${temporary}\n${content}\n}\n`;
}
