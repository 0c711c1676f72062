import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Lab, raiseLab } from './lab.js';
import { type Fault, faults, type Risk, risks } from './scenarios/index.js';
import { topologyNames, topologyOf } from './topologies.js';

/*
 * A lab of real hosts, one real fault, one diagnosis. What it prints is what a person at those hosts would see.
 */

const program = fileURLToPath(new URL('../../../bin/tpdoctor', import.meta.url));
const { values } = parseArgs({ options: { fault: { type: 'string', default: 'proxy/mark-rule-missing' }, list: { type: 'boolean' } } });
const all: readonly (Fault | Risk)[] = [...faults, ...risks];

async function main(): Promise<number> {
  if (values.list) {
    list();
    return 0;
  }
  const shown = all.find(({ name }) => name === values.fault) ?? all.find(({ cause }) => cause === values.fault);
  if (shown) return await show(shown);
  console.error(`no fault "${values.fault}"; --list shows them all`);
  return 64;
}

function list(): void {
  for (const name of topologyNames) {
    console.log(`${name}:`);
    for (const scenario of all.filter(({ topology = 'article' }) => topology === name)) console.log(`  ${scenario.name}`);
  }
}

async function show(shown: Fault | Risk): Promise<number> {
  const topology = topologyOf(shown);
  say(`raising a lab: ${topology.hosts.map(({ name }) => name).join(', ')}, each in a network namespace of its own`);
  const lab = await raiseLab(topology);
  try {
    const service = (shown.severity === 'fault' ? shown.fails : shown.loses)?.[0] ?? Object.keys(topology.probes)[0] ?? '';
    say(`${service} from the client: ${await answers(lab, service)}`);
    say(`breaking it: ${shown.name}`);
    await lab.change(shown.changes);
    say(`${service} from the client now: ${await answers(lab, service)}`);
    const outbound = shown.severity === 'fault' && shown.outbound !== undefined ? ['--outbound', shown.outbound] : [];
    return diagnose([...lab.hostArguments(), ...outbound], shown.severity === 'risk' ? 0 : 1);
  } finally {
    await lab.remove();
    say('the lab is gone');
  }
}

async function answers(lab: Lab, service: string): Promise<string> {
  const { ok, problems } = await lab.probe(service);
  return ok ? 'every upstream answers' : (problems[0] ?? '');
}

function diagnose(args: readonly string[], expected: number): number {
  say(`tpdoctor check ${args.join(' ')}\n`);
  const { status } = spawnSync(process.execPath, [program, 'check', ...args], { stdio: 'inherit' });
  if (status !== expected) say(`tpdoctor ended with ${status}, expected ${expected}`);
  return status === expected ? 0 : 70;
}

function say(text: string): void {
  console.log(process.stdout.isTTY ? `\x1b[2m# ${text}\x1b[0m` : `# ${text}`);
}

process.exitCode = await main();
