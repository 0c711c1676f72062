import { spawnSync } from 'node:child_process';

/*
 * Speed as ratios within one run: these machines are too noisy for anything else. Each pair is run in turn, and the median of the ratios is told.
 */

const usualRounds = 7;

function seconds(act: () => unknown): number {
  const started = process.hrtime.bigint();
  act();
  return Number(process.hrtime.bigint() - started) / 1e9;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Prints how many times as long `a` takes as `b`. */
export function compare(what: string, a: () => unknown, b: () => unknown, rounds = usualRounds): void {
  if (rounds > 1) {
    a();
    b();
  }
  const pairs = Array.from({ length: rounds }, () => ({ a: seconds(a), b: seconds(b) }));
  const ratio = median(pairs.map((pair) => pair.a / pair.b));
  const [left, right] = [median(pairs.map((pair) => pair.a)), median(pairs.map((pair) => pair.b))].map(
    (value) => `${(value * 1000).toFixed(1)} ms`,
  );
  console.log(`${ratio.toFixed(2).padStart(8)}  ${what}  (${left} : ${right})`);
}

/** Runs node and returns what it wrote to stderr. Exit codes 0 to 2 are verdicts. */
export function node(...args: string[]): string {
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0 && status !== 1 && status !== 2) throw new Error(`${args.join(' ')}: ${stderr}`);
  return stderr;
}
