import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

/*
 * A link on which everything takes its time: runs a command, and hands on what goes to it and comes from it with a delay. Arguments: milliseconds of a
 * round trip, a file, the command. The file gets a byte whenever something is sent after what came back had been waited for.
 */

const [round = '0', file = '', program = '', ...args] = process.argv.slice(2);
const oneWayMs = Number(round) / 2;
const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
let since = 0;

process.stdin.on('data', (chunk: Buffer) => {
  // What is sent in pieces is sent once.
  if (performance.now() - since > oneWayMs) {
    since = performance.now();
    appendFileSync(file, '.');
  }
  setTimeout(() => child.stdin.write(chunk), oneWayMs);
});
process.stdin.on('end', () => setTimeout(() => child.stdin.end(), oneWayMs));
child.stdin.on('error', () => undefined);
process.stdout.on('error', () => process.exit());
child.stdout.on('data', (chunk: Buffer) => setTimeout(() => process.stdout.write(chunk), oneWayMs));
child.on('exit', () => setTimeout(() => process.exit(), oneWayMs));
