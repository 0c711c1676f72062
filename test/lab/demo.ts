import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { articleTopology } from './article.js';
import { raiseLab } from './lab.js';
import { faults } from './scenarios/index.js';

/*
 * A lab of real hosts, one real fault, one diagnosis. What it prints is what a person at those hosts would see.
 */

const program = fileURLToPath(new URL('../../../bin/tpdoctor', import.meta.url));
const { values } = parseArgs({ options: { fault: { type: 'string', default: 'proxy/mark-rule-missing' }, list: { type: 'boolean' } } });

async function main(): Promise<number> {
  if (values.list) {
    for (const { name } of faults) console.log(name);
    return 0;
  }
  const fault = faults.find(({ name, cause }) => name === values.fault || cause === values.fault);
  if (!fault) {
    console.error(`no fault "${values.fault}"; --list shows them all`);
    return 64;
  }
  say('raising a lab: client, nginx, four upstreams, each in a network namespace of its own');
  const lab = await raiseLab(articleTopology(fault));
  try {
    const before = await lab.probe('http');
    say(`http from the client: ${before.ok ? 'every upstream answers' : before.problems[0]}`);
    say(`breaking it: ${fault.name}`);
    await lab.change(fault.changes);
    const failing = fault.fails[0] ?? 'http';
    const after = await lab.probe(failing);
    say(`${failing} from the client now: ${after.ok ? 'still answers' : after.problems[0]}`);
    const hosts = lab.hostArguments();
    say(`tpdoctor check ${hosts.join(' ')}\n`);
    const run = spawnSync(process.execPath, [program, 'check', ...hosts], { stdio: 'inherit' });
    const expected = fault.severity === 'risk' ? 0 : 1;
    if (run.status !== expected) say(`tpdoctor ended with ${run.status}, expected ${expected}`);
    return run.status === expected ? 0 : 70;
  } finally {
    await lab.remove();
    say('the lab is gone');
  }
}

function say(text: string): void {
  console.log(process.stdout.isTTY ? `\x1b[2m# ${text}\x1b[0m` : `# ${text}`);
}

process.exitCode = await main();
