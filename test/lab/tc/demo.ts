import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { raiseLab } from '../lab.js';
import { failing } from '../probe.js';
import { Guest, kernelHasTcNat } from './guest.js';
import { hostsOf, setUp } from './methods.js';
import { ofProject } from './root.js';
import type { TcScenario } from './scenario.js';
import { tcScenarios } from './scenarios.js';
import { tcTopology } from './topology.js';

const program = ofProject('bin/tpdoctor');

export const tcFaults: readonly TcScenario[] = tcScenarios.filter(({ expected }) => expected.exitCode === 1);

type Say = (text: string) => void;

/** A fault of Direct Server Return by tc: on this machine, or where its kernel lacks act_nat the whole demo in a guest. Resolves to the exit code. */
export async function showTcFault(fault: TcScenario, say: Say): Promise<number> {
  return kernelHasTcNat() ? await show(fault, say) : await inGuest(fault, say);
}

async function inGuest({ name }: TcScenario, say: Say): Promise<number> {
  say('this kernel cannot rewrite by tc: starting an emulated machine whose kernel can, which is slow');
  const guest = new Guest([process.execPath, ofProject('dist/test/lab/demo.js'), '--method', 'dsr', '--fault', name], (text) =>
    process.stdout.write(text),
  );
  try {
    await guest.ended;
    const code = join(guest.shared, '.code');
    return existsSync(code) ? Number(readFileSync(code, 'utf8')) : 70;
  } finally {
    await guest.stop();
  }
}

async function show({ name, method, changes, expected }: TcScenario, say: Say): Promise<number> {
  say(`raising a lab: ${hostsOf(method).join(', ')}, each in a network namespace of its own`);
  const lab = await raiseLab(tcTopology);
  try {
    const tell = async () => (await failing(lab)).join(' and ') || 'nothing';
    await lab.change(setUp(method));
    say(`what fails from the client: ${await tell()}`);
    say(`breaking it: ${name}`);
    await lab.change(changes);
    say(`what fails from the client now: ${await tell()}`);
    const hosts = lab.hosts.filter((host) => hostsOf(method).includes(host.name));
    const args = ['check', '--quiet', ...hosts.flatMap((host) => ['--host', `${host.name}=netns:${host.namespace}`]), '--timeout', '300'];
    say(`tpdoctor ${args.join(' ')}\n`);
    const { status } = spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' });
    if (status !== expected.exitCode) say(`tpdoctor ended with ${status}, expected ${expected.exitCode}`);
    return status === expected.exitCode ? 0 : 70;
  } finally {
    await lab.remove();
    say('the lab is gone');
  }
}
