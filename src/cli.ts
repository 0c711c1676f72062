import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { clientOf, collect, hostOf, idOf, outboundOf, outputOf, pidOf, timeoutOf } from './commands/arguments.js';
import { type CheckOptions, type Io, UsageError } from './commands/options.js';
import { sanitize } from './report/sanitize.js';
import { isUnicode, type Style, styleFor, type Terminal } from './report/style.js';
import type { NamedHost } from './types.js';

/** Where a run writes and what it may know of its surroundings. */
export interface Surroundings {
  stdout: Terminal & { write(text: string): unknown };
  stderr: Terminal & { write(text: string): unknown };
  env: Readonly<Record<string, string | undefined>>;
}

const usage = 64;
const ownError = 70;

interface CommonFlags {
  json?: true;
  color: boolean;
  quiet?: true;
  verbose?: true;
}

interface CheckFlags extends CommonFlags {
  host?: NamedHost[];
  client?: string[];
  nginx?: number;
  outbound?: string[];
  output: 'table' | 'json';
  only?: string[];
  skip?: string[];
  timeout?: number;
  record?: string;
  save?: string;
}

/** Runs the command line of this process. A reader that has had enough (`tpdoctor … | head`) is no error. */
export async function start(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') process.exit(ownError);
    });
  }
  // Left alone, node would exit with 1, which means "faulty".
  process.on('uncaughtException', (error) => process.exit(failed(error, process.argv.includes('--verbose'), process)));
  process.exitCode = await main(process.argv.slice(2), process);
}

/** Runs one command line and resolves to its exit code; never rejects. */
export async function main(argv: readonly string[], io: Surroundings): Promise<number> {
  let exitCode = 0;
  const program = commandLine(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return failed(error, argv.includes('--verbose'), io);
  }
}

/** `--help`, a mistake in the arguments, or a bug of ours. */
function failed(error: unknown, verbose: boolean, io: Surroundings): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usage;
  if (error instanceof UsageError) {
    complain(`error: ${error.message}`, io);
    return usage;
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  complain(`tpdoctor failed, which is its own error and says nothing about the hosts: ${message}`, io);
  if (verbose) complain(stack ?? '', io);
  else complain('--verbose shows where', io);
  return ownError;
}

function commandLine(io: Surroundings, exit: (code: number) => void): Command {
  const program = new Command('tpdoctor')
    .description('Finds out why an NGINX transparent proxy or a UDP Direct Server Return setup does not work, and says what to type where.')
    .version(version(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => complain(text.trimEnd(), io),
      getOutHelpWidth: () => 100,
    })
    .addHelpText('after', '\nExit code: 0 healthy, 1 faulty, 2 undetermined, 64 wrong usage, 70 an error of tpdoctor itself.');
  addCheck(program, io, exit);
  addExplain(program, io);
  return program;
}

function addCheck(program: Command, io: Surroundings, exit: (code: number) => void): void {
  program
    .command('check')
    .description('diagnose this host, or several hosts together')
    .argument('[FILE...]', 'snapshot files to judge')
    .option('--host <NAME=TARGET>', 'a host of the setup: local, netns:NAME or a snapshot file (repeatable)', collect(hostOf))
    .option('--client <IP|PREFIX>', 'clients to reason about (repeatable)', collect(clientOf))
    .option('--nginx <PID>', 'only this nginx master', pidOf)
    .option('--outbound <HOST>', 'a destination that upstreams must reach (repeatable)', collect(outboundOf))
    .addOption(new Option('--output <FORMAT>', 'table or json').argParser(outputOf).default('table'))
    .option('--json', 'the same as --output json')
    .option('--only <ID>', 'only these checks and causes; * stands for anything (repeatable)', collect(idOf))
    .option('--skip <ID>', 'not these checks and causes (repeatable)', collect(idOf))
    .option('--timeout <SECONDS>', 'for each host to answer a round of questions: 20, 20s or 500ms', timeoutOf)
    .option('--record <FILE>', 'write every question and answer to a file')
    .option('--save <FILE>', 'write the snapshots to a file')
    .option('--no-color', 'no colours')
    .option('--quiet', 'only the diagnoses and the verdict')
    .option('--verbose', 'everything that was found')
    .action(async (files: string[], flags: CheckFlags) => {
      const [{ runCheck }, { validate }, { formats }] = await Promise.all([
        import('./commands/check.js'),
        import('./commands/validate.js'),
        import('./report/formats.js'),
      ]);
      const options = checkOptions(files, flags);
      await validate(options);
      const speech = speechTo(io);
      const { report, exitCode } = await runCheck(options, speech).finally(() => speech.done());
      const render = await formats.get(flags.json ? 'json' : flags.output)?.();
      if (!render) throw new Error(`no format ${flags.output}`);
      io.stdout.write(render(report, style(flags, io)));
      exit(exitCode);
    });
}

function addExplain(program: Command, io: Surroundings): void {
  program
    .command('explain')
    .description('tell about a check or a cause, offline')
    .argument('[ID]', 'for example proxy/mark-rule-missing; an area such as dsr or a pattern with * lists what it selects; all when absent')
    .option('--json', 'for programs')
    .option('--no-color', 'no colours')
    .action(async (id: string | undefined, flags: CommonFlags) => {
      const { explain } = await import('./commands/explain.js');
      io.stdout.write(await explain({ ...(id === undefined ? {} : { id }), json: flags.json === true, style: style(flags, io) }));
    });
}

function checkOptions(files: readonly string[], flags: CheckFlags): CheckOptions {
  const { host = [], client = [], outbound = [], only = [], skip = [], nginx, timeout, record, save } = flags;
  return {
    version: version(),
    hosts: host,
    files,
    clients: client,
    outbound,
    only,
    skip,
    ...(nginx === undefined ? {} : { nginxPid: nginx }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(record === undefined ? {} : { record }),
    ...(save === undefined ? {} : { save }),
  };
}

function style(flags: CommonFlags, io: Surroundings): Style {
  return styleFor(io.stdout, io.env, { colour: flags.color, verbosity: flags.quiet ? 'quiet' : flags.verbose ? 'verbose' : 'normal' });
}

function complain(text: string, io: Surroundings): void {
  const ascii = !isUnicode(io.env);
  for (const line of text.split('\n')) io.stderr.write(`${sanitize(line, { ascii })}\n`);
}

/** Progress takes one line of a terminal and leaves nothing behind. */
function speechTo(io: Surroundings): Io & { done(): void } {
  const live = io.stderr.isTTY === true;
  const clear = () => live && io.stderr.write('\r\x1b[K');
  return {
    progress: (text) => {
      if (live) io.stderr.write(`\r\x1b[K${sanitize(text, { most: Math.max(20, (io.stderr.columns ?? 80) - 30), ascii: true })}`);
    },
    warn: (text) => {
      clear();
      complain(`warning: ${text}`, io);
    },
    done: clear,
  };
}

/** The package file lies above both the sources and what is built from them. */
function version(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (name === 'tpdoctor') return String(version);
    } catch {
      // Not there: try the next.
    }
  }
  return 'unknown';
}
