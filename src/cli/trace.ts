import { type Command, Option } from 'commander';
import {
  clientOf,
  collect,
  durationOf,
  hostOf,
  idOf,
  type OutputFormat,
  outputOf,
  pidOf,
  portOf,
  protocolOf,
  reachedBy,
  readOf,
  timeoutOf,
  wholeOf,
} from '../commands/arguments.js';
import { withInventory } from '../commands/inventory.js';
import type { TraceOptions } from '../commands/options.js';
import type { NamedHost } from '../types.js';
import type { Shell } from './shell.js';

interface TraceFlags {
  port?: number[];
  upstreamPort?: number[];
  protocol?: 'tcp' | 'udp';
  host?: NamedHost[];
  client?: string[];
  duration: number;
  count?: number;
  probe?: true;
  drops?: true;
  write?: string;
  read?: { host: string; file: string }[];
  nginx?: number;
  output: OutputFormat;
  json?: true;
  only?: string[];
  skip?: string[];
  sshConfig?: string;
  inventory?: string;
  timeout?: number;
  record?: string;
  save?: string;
  color: boolean;
  quiet?: true;
  verbose?: true;
}

const defaultDurationMs = 10_000;

export function addTrace(program: Command, shell: Shell): void {
  program
    .command('trace')
    .description('capture on all hosts at once, follow each transaction through them, and tell where it ends')
    .argument('[FILE...]', 'snapshot files or bundles')
    .option('--port <PORT>', 'the listening port of the service (repeatable); all transparent services without it', collect(portOf))
    .option('--upstream-port <PORT>', 'where no configuration tells it (repeatable)', collect(portOf))
    .addOption(new Option('--protocol <tcp|udp>', 'one of them only').argParser(protocolOf))
    .option(
      '--host <NAME=TARGET>',
      'a host of the setup: local, ssh://[USER@]HOST[:PORT], netns:NAME, a snapshot file or a bundle (repeatable)',
      collect(hostOf),
    )
    .addOption(
      new Option('--duration <TIME>', 'how long to capture: 10, 10s or 500ms; Ctrl-C ends it, too')
        .argParser(durationOf)
        .default(defaultDurationMs, '10s'),
    )
    .option('--count <N>', 'end after so many transactions', wholeOf)
    .option('--client <IP|PREFIX>', 'only clients there (repeatable)', collect(clientOf))
    .option('--probe', "send requests of tpdoctor's own from the client's host")
    .option('--drops', "read the kernel's reasons for dropping packets, through a private trace instance")
    .option('--write <DIR>', 'keep what is captured, a file for each interface, and all of it on one timeline: merged.pcapng')
    .option('--read <NAME=FILE>', 'read a capture of that host instead (repeatable)', collect(readOf))
    .option('--nginx <PID>', 'only this nginx master', pidOf)
    .addOption(new Option('--output <FORMAT>', 'table, json, junit or markdown').argParser(outputOf).default('table'))
    .option('--json', 'the same as --output json')
    .option('--only <ID>', 'only these checks and causes; * stands for anything (repeatable)', collect(idOf))
    .option('--skip <ID>', 'not these checks and causes (repeatable)', collect(idOf))
    .option('--inventory <FILE>', 'hosts, groups and clients in YAML; --host then chooses some by name')
    .option('--ssh-config <FILE>', 'for ssh, instead of ~/.ssh/config')
    .option('--timeout <SECONDS>', 'for each host to answer a round of questions: 20, 20s or 500ms', timeoutOf)
    .option('--record <FILE>', 'write every question and answer to a file')
    .option('--save <FILE>', 'write the snapshots to a file')
    .option('--no-color', 'no colours')
    .option('--quiet', 'only the diagnoses and the verdict')
    .option('--verbose', 'everything that was found')
    .action(async (files: string[], flags: TraceFlags) => {
      const [{ runTrace }, { validateTrace }] = await Promise.all([import('../commands/trace.js'), import('../commands/validate.js')]);
      const options = traceOptions(files, await withInventory(flags), shell.version);
      await validateTrace(options);
      // Files are read without a pause in which a signal could be heard: it ends the program, as it ends any other.
      const until = options.read.length > 0 ? uninterrupted : untilInterrupted;
      await shell.report(flags, (speech) => until((ended) => runTrace(options, speech, ended)));
    });
}

function uninterrupted<T>(run: (ended: AbortSignal) => Promise<T>): Promise<T> {
  return run(new AbortController().signal);
}

/** The first Ctrl-C ends the capture and lets the verdict be told; the second ends the program. */
async function untilInterrupted<T>(run: (ended: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  try {
    return await run(ending.signal);
  } finally {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}

function traceOptions(files: readonly string[], flags: TraceFlags, version: string): TraceOptions {
  const { host = [], client = [], only = [], skip = [], port = [], upstreamPort = [], read = [] } = flags;
  const { nginx, sshConfig, timeout, protocol, count, write, record, save } = flags;
  return {
    version,
    hosts: reachedBy(host, sshConfig),
    files,
    clients: client,
    only,
    skip,
    ports: port,
    upstreamPorts: upstreamPort,
    read,
    durationMs: flags.duration,
    probe: flags.probe === true,
    drops: flags.drops === true,
    ...(nginx === undefined ? {} : { nginxPid: nginx }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(count === undefined ? {} : { count }),
    ...(write === undefined ? {} : { write }),
    ...(record === undefined ? {} : { record }),
    ...(save === undefined ? {} : { save }),
  };
}
