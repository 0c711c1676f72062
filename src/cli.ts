import { Command, CommanderError, Option } from 'commander';
import { addBundle } from './cli/bundle.js';
import type { Shell } from './cli/shell.js';
import { addTrace } from './cli/trace.js';
import { version } from './cli/version.js';
import {
  addressOf,
  clientOf,
  collect,
  endpointOf,
  hostOf,
  idOf,
  type OutputFormat,
  outboundOf,
  outputOf,
  pidOf,
  protocolOf,
  reachedBy,
  timeoutOf,
} from './commands/arguments.js';
import { withInventory } from './commands/inventory.js';
import { type CheckOptions, type Io, NotWritten, type PathOptions, UsageError } from './commands/options.js';
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

/** How hosts are found and asked. */
interface HostFlags extends CommonFlags {
  host?: NamedHost[];
  nginx?: number;
  sshConfig?: string;
  inventory?: string;
  timeout?: number;
}

interface PathFlags extends HostFlags {
  from: string;
  to: { address: string; port: number };
  protocol?: 'tcp' | 'udp';
  udp?: true;
  json?: true;
}

interface CheckFlags extends HostFlags {
  client?: string[];
  outbound?: string[];
  output: OutputFormat;
  only?: string[];
  skip?: string[];
  record?: string;
  save?: string;
  fixScript?: string;
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
  if (error instanceof NotWritten) {
    complain(`error: ${error.message}`, io);
    return ownError;
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
  const shell = shellOf(io, exit);
  addCheck(program, shell);
  addTrace(program, shell);
  addBundle(program, shell);
  addPath(program, io, exit);
  addExplain(program, io);
  return program;
}

function addCheck(program: Command, shell: Shell): void {
  program
    .command('check')
    .description('diagnose this host, or several hosts together')
    .argument('[FILE...]', 'snapshot files or bundles to judge')
    .option(
      '--host <NAME=TARGET>',
      'a host of the setup: local, ssh://[USER@]HOST[:PORT], netns:NAME, a snapshot file or a bundle (repeatable)',
      collect(hostOf),
    )
    .option('--client <IP|PREFIX>', 'clients to reason about (repeatable)', collect(clientOf))
    .option('--nginx <PID>', 'only this nginx master', pidOf)
    .option('--outbound <HOST>', 'a destination that upstreams must reach (repeatable)', collect(outboundOf))
    .addOption(new Option('--output <FORMAT>', 'table, json, junit or markdown').argParser(outputOf).default('table'))
    .option('--json', 'the same as --output json')
    .option('--only <ID>', 'only these checks and causes; * stands for anything (repeatable)', collect(idOf))
    .option('--skip <ID>', 'not these checks and causes (repeatable)', collect(idOf))
    .option('--inventory <FILE>', 'hosts, groups and clients in YAML; --host then chooses some by name')
    .option('--ssh-config <FILE>', 'for ssh, instead of ~/.ssh/config')
    .option('--timeout <SECONDS>', 'for each host to answer a round of questions: 20, 20s or 500ms', timeoutOf)
    .option('--record <FILE>', 'write every question and answer to a file')
    .option('--save <FILE>', 'write the snapshots to a file')
    .option('--fix-script <DIR>', 'write a script for each host that cures its faults; nothing is carried out')
    .option('--no-color', 'no colours')
    .option('--quiet', 'only the diagnoses and the verdict')
    .option('--verbose', 'everything that was found')
    .action(async (files: string[], flags: CheckFlags) => {
      const [{ runCheck }, { validate }] = await Promise.all([import('./commands/check.js'), import('./commands/validate.js')]);
      const options = checkOptions(files, await withInventory(flags));
      await validate(options);
      await shell.report(flags, (speech) => runCheck(options, speech));
    });
}

/** What verbs print reports through. */
function shellOf(io: Surroundings, exit: (code: number) => void): Shell {
  return {
    version: version(),
    report: async (flags, run) => {
      const { formats } = await import('./report/formats.js');
      const speech = speechTo(io);
      const { report, exitCode, notes = [] } = await run(speech).finally(() => speech.done());
      const render = await formats.get(flags.json ? 'json' : flags.output)?.();
      if (!render) throw new Error(`no format ${flags.output}`);
      io.stdout.write(render(report, style(flags, io)));
      for (const note of notes) complain(note, io);
      exit(exitCode);
    },
  };
}

function addPath(program: Command, io: Surroundings, exit: (code: number) => void): void {
  program
    .command('path')
    .description('tell the predicted way of one client to one service and back, step by step')
    .argument('[FILE...]', 'snapshot files or bundles instead of hosts')
    .requiredOption('--from <IP>', 'the client', addressOf)
    .requiredOption('--to <IP:PORT>', 'where it asks: 192.0.2.1:80 or [2001:db8::1]:443', endpointOf)
    .option('--host <NAME=TARGET>', 'a host of the setup, as with check (repeatable)', collect(hostOf))
    .addOption(new Option('--protocol <tcp|udp>', 'one of them only').argParser(protocolOf).conflicts('udp'))
    .option('--udp', 'the same as --protocol udp')
    .option('--nginx <PID>', 'only this nginx master', pidOf)
    .option('--json', 'for programs')
    .option('--inventory <FILE>', 'hosts, groups and clients in YAML; --host then chooses some by name')
    .option('--ssh-config <FILE>', 'for ssh, instead of ~/.ssh/config')
    .option('--timeout <SECONDS>', 'for each host to answer a round of questions: 20, 20s or 500ms', timeoutOf)
    .option('--no-color', 'no colours')
    .option('--verbose', 'every upstream by itself, with everything that decided')
    .addHelpText(
      'after',
      '\nExit code: 0 every path is whole, 1 one is broken, 2 it cannot be told, 64 wrong usage, or nothing listens there.',
    )
    .action(async (files: string[], flags: PathFlags) => {
      const [{ runPath }, { validatePath }, { renderPath }, { toJson }] = await Promise.all([
        import('./commands/path.js'),
        import('./commands/validate.js'),
        import('./report/path.js'),
        import('./report/json.js'),
      ]);
      const options = pathOptions(files, await withInventory(flags));
      await validatePath(options);
      const speech = speechTo(io);
      const { report, exitCode } = await runPath(options, speech).finally(() => speech.done());
      io.stdout.write(flags.json ? `${toJson(report)}\n` : renderPath(report, style(flags, io)));
      exit(exitCode);
    });
}

function pathOptions(files: readonly string[], flags: PathFlags): PathOptions {
  const protocol = flags.udp ? 'udp' : flags.protocol;
  return { ...hostOptions(files, flags), from: flags.from, to: { ...flags.to, ...(protocol === undefined ? {} : { protocol }) } };
}

function hostOptions(files: readonly string[], { host = [], sshConfig, nginx, timeout }: HostFlags) {
  return {
    version: version(),
    hosts: reachedBy(host, sshConfig),
    files,
    ...(nginx === undefined ? {} : { nginxPid: nginx }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
  };
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
  const { client = [], outbound = [], only = [], skip = [], record, save, fixScript } = flags;
  return {
    ...hostOptions(files, flags),
    clients: client,
    outbound,
    only,
    skip,
    ...(record === undefined ? {} : { record }),
    ...(save === undefined ? {} : { save }),
    ...(fixScript === undefined ? {} : { fixScript }),
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
  const columns = io.stderr.columns ?? 80;
  const clear = () => live && io.stderr.write('\r\x1b[K');
  return {
    progress: (text) => {
      const line = sanitize(text, { ascii: true });
      if (live) io.stderr.write(`\r\x1b[K${line.slice(0, Math.max(20, columns - 1))}`);
    },
    warn: (text) => {
      clear();
      complain(`warning: ${text}`, io);
    },
    done: clear,
    columns,
  };
}
