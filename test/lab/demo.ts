import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Lab, raiseLab } from './lab.js';
import { type Fault, faults, furtherFaults, type Risk, risks } from './scenarios/index.js';
import { showTcFault, tcFaults } from './tc/demo.js';
import { topologyNames, topologyOf } from './topologies.js';

/*
 * A lab of real hosts, one real fault, one diagnosis. What it prints is what a person at those hosts would see.
 */

const program = fileURLToPath(new URL('../../../bin/tpdoctor', import.meta.url));
const { values } = parseArgs({
  options: {
    fault: { type: 'string' },
    method: { type: 'string' },
    list: { type: 'boolean' },
    trace: { type: 'boolean' },
    bundle: { type: 'boolean' },
    out: { type: 'string', default: 'case.tgz' },
  },
});
const all: readonly (Fault | Risk)[] = [...faults, ...furtherFaults, ...risks];

async function main(): Promise<number> {
  if (values.list) {
    list();
    return 0;
  }
  if (values.bundle && existsSync(values.out)) {
    console.error(`${values.out} is there already: name another file with --out`);
    return 64;
  }
  if (values.method !== undefined) return await showMethod(values.method);
  const { fault = 'proxy/mark-rule-missing' } = values;
  const shown = all.find(({ name }) => name === fault) ?? all.find(({ cause }) => cause === fault);
  if (shown) return await show(shown);
  console.error(`no fault "${fault}"; --list shows them all`);
  return 64;
}

/** Direct Server Return by real tc filters, as the article has it; all else is shown without a method. */
async function showMethod(method: string): Promise<number> {
  const { fault = 'dsr/reply-not-rewritten' } = values;
  const shown = tcFaults.find(({ name }) => name === fault) ?? tcFaults.find(({ name }) => name.includes(fault));
  if (method === 'dsr' && shown) return await showTcFault(shown, say);
  console.error(method === 'dsr' ? `no fault "${fault}" of dsr; --list shows them all` : `no method "${method}": dsr is one`);
  return 64;
}

function list(): void {
  for (const name of topologyNames) {
    console.log(`${name}:`);
    for (const scenario of all.filter(({ topology = 'article' }) => topology === name)) console.log(`  ${scenario.name}`);
  }
  console.log('--method dsr:');
  for (const { name } of tcFaults) console.log(`  ${name}`);
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
    const expected = shown.severity === 'risk' ? 0 : 1;
    const outbound = shown.severity === 'fault' && shown.outbound !== undefined ? ['--outbound', shown.outbound] : [];
    if (values.bundle)
      return leaveBundle(lab, [...outbound, ...(values.trace ? ['--trace', '5s', '--probe', ...portOf(lab, service)] : [])], expected);
    if (values.trace) return run('trace', [...portOf(lab, service), '--probe', ...lab.hostArguments()], expected);
    return run('check', [...lab.hostArguments(), ...outbound], expected);
  } finally {
    await lab.remove();
    say('the lab is gone');
  }
}

/** The bundle outlives the lab. */
function leaveBundle(lab: Lab, args: readonly string[], expected: number): number {
  const made = run('bundle', [...lab.hostArguments(), ...args, '--quiet', '-o', values.out], expected);
  return made === 0 ? run(values.trace ? 'trace' : 'check', [values.out], expected) : made;
}

async function answers(lab: Lab, service: string): Promise<string> {
  const { ok, problems } = await lab.probe(service);
  return ok ? 'every upstream answers' : (problems[0] ?? '');
}

function portOf(lab: Lab, service: string): string[] {
  const port = lab.topology.probes[service]?.port;
  return port === undefined ? [] : ['--port', String(port)];
}

function run(verb: 'check' | 'trace' | 'bundle', args: readonly string[], expected: number): number {
  say(`tpdoctor ${verb} ${args.join(' ')}\n`);
  const { status } = spawnSync(process.execPath, [program, verb, ...args], { stdio: 'inherit' });
  if (status !== expected) say(`tpdoctor ended with ${status}, expected ${expected}`);
  return status === expected ? 0 : 70;
}

function say(text: string): void {
  console.log(process.stdout.isTTY ? `\x1b[2m# ${text}\x1b[0m` : `# ${text}`);
}

process.exitCode = await main();
