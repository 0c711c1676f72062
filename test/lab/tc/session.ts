import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Report } from '../../../src/types.js';
import { broughtAbout } from '../../kit/standing-risks.js';
import { carryOut, diagnosed } from '../doctor.js';
import { type Lab, raiseLab } from '../lab.js';
import { failing } from '../probe.js';
import { clear, hostsOf, type Method, methods, setUp } from './methods.js';
import { ofProject } from './root.js';
import type { TcScenario } from './scenario.js';
import { tcTopology } from './topology.js';

/** What was seen of one scenario; a test compares it with what should be. */
export interface Observed {
  /** Services whose real traffic fails. */
  fails: string[];
  exitCode: number;
  verdict: Report['verdict'];
  /** Faults and risks that the healthy setup does not have. */
  diagnosed: string[];
  /** Services that still fail when the printed fixes are carried out; absent where none was printed. */
  failsAfterFix?: string[];
}

/** One lab for all scenarios: it is taken back to where it was raised before each. */
export class Session {
  private readonly healthy = new Map<Method, string>();
  private isSetUpFor: Method | undefined;
  /** Hosts that are no longer as the method has them. */
  private touched: string[] = [];

  private constructor(
    private readonly lab: Lab,
    private readonly dir: string,
  ) {}

  static async start(): Promise<Session> {
    const dir = await mkdtemp(join(tmpdir(), 'tptc-'));
    return new Session(await raiseLab(tcTopology), dir);
  }

  async observe({ method, changes }: TcScenario): Promise<Observed> {
    const healthy = await this.healthySnapshots(method);
    await this.setUp(method);
    await this.lab.change(changes);
    const touched = new Set(['proxy', ...changes.map(({ host }) => host)]);
    this.touched = [...touched];
    const fails = await failing(this.lab);
    const live = this.lab.hosts.filter(({ name }) => touched.has(name));
    const { exitCode, report } = await this.check([
      healthy,
      ...live.flatMap(({ name, namespace }) => ['--host', `${name}=netns:${namespace}`]),
    ]);
    const seen = { fails, exitCode, verdict: report.verdict, diagnosed: diagnosed(report) };
    const fix = broughtAbout(report.diagnoses).flatMap((diagnosis) => diagnosis.fix);
    if (fix.length === 0) return seen;
    this.touched.push(...fix.map(({ host }) => host));
    await carryOut(this.lab, fix);
    return { ...seen, failsAfterFix: await failing(this.lab) };
  }

  async stop(): Promise<void> {
    await this.lab.remove();
    await rm(this.dir, { recursive: true, force: true });
  }

  private async setUp(method: Method): Promise<void> {
    const others = this.isSetUpFor !== method;
    const stale = others ? this.lab.hosts.map(({ name }) => name) : [...new Set(this.touched)];
    await Promise.all(stale.map((host) => this.lab.change([clear(host), ...setUp(method).filter((change) => change.host === host)])));
    this.isSetUpFor = method;
    this.touched = [];
  }

  /** What hosts say that a scenario does not touch is asked once for each method: under emulation asking takes longest. */
  private async healthySnapshots(method: Method): Promise<string> {
    const known = this.healthy.get(method);
    if (known !== undefined) return known;
    await this.setUp(method);
    const file = join(this.dir, `${methods.indexOf(method)}.json`);
    const hosts = this.lab.hosts.filter(({ name }) => hostsOf(method).includes(name));
    await this.check(['--save', file, ...hosts.flatMap(({ name, namespace }) => ['--host', `${name}=netns:${namespace}`])]);
    this.healthy.set(method, file);
    return file;
  }

  /** In this process: node takes seconds to start under emulation. */
  private async check(args: readonly string[]): Promise<{ exitCode: number; report: Report }> {
    const { main } = (await import(program)) as typeof import('../../../src/cli.js');
    let [out, err] = ['', ''];
    const exitCode = await main(['check', '--json', '--timeout', '300', ...args], {
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      env: {},
    });
    if (out === '') throw new Error(`tpdoctor ended with ${exitCode}: ${err}`);
    return { exitCode, report: JSON.parse(out) as Report };
  }
}

const program = pathToFileURL(ofProject('dist/program/tpdoctor.js')).href;
