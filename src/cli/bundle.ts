import { type Command, Option } from 'commander';
import { bytesOf, clientOf, collect, durationOf, hostOf, outboundOf, pidOf, portOf, reachedBy, timeoutOf } from '../commands/arguments.js';
import { withInventory } from '../commands/inventory.js';
import { type BundleOptions, UsageError } from '../commands/options.js';
import type { NamedHost } from '../types.js';
import type { Shell } from './shell.js';

interface BundleFlags {
  out: string;
  overwrite?: true;
  host?: NamedHost[];
  sshConfig?: string;
  inventory?: string;
  client?: string[];
  nginx?: number;
  outbound?: string[];
  trace?: number;
  port?: number[];
  probe?: true;
  maxSize: number;
  timeout?: number;
  json?: true;
  color: boolean;
  quiet?: true;
  verbose?: true;
}

const defaultBytes = 256 << 20;

export function addBundle(program: Command, shell: Shell): void {
  program
    .command('bundle')
    .description('pack what a diagnosis needs into a file for somebody else, without secrets')
    .argument('[FILE...]', 'snapshot files or bundles to pack, too')
    .requiredOption('-o, --out <FILE.tgz>', 'the file to make; tpdoctor check FILE.tgz gives the same diagnosis')
    .option('--overwrite', 'replace it where it is there already')
    .option(
      '--host <NAME=TARGET>',
      'a host of the setup: local, ssh://[USER@]HOST[:PORT], netns:NAME, a snapshot file or a bundle (repeatable)',
      collect(hostOf),
    )
    .option('--client <IP|PREFIX>', 'clients to reason about (repeatable)', collect(clientOf))
    .option('--nginx <PID>', 'only this nginx master', pidOf)
    .option('--outbound <HOST>', 'a destination that upstreams must reach (repeatable)', collect(outboundOf))
    .addOption(new Option('--trace <TIME>', 'capture packets on all hosts for so long, too: 30, 30s or 2m').argParser(durationOf))
    .option('--port <PORT>', 'with --trace: the listening port of the service (repeatable)', collect(portOf))
    .option('--probe', "with --trace: send requests of tpdoctor's own from the client's host")
    .addOption(
      new Option('--max-size <SIZE>', 'before compression: 1M to 960M; what does not fit is named and left out')
        .argParser(bytesOf)
        .default(defaultBytes, '256M'),
    )
    .option('--inventory <FILE>', 'hosts, groups and clients in YAML; --host then chooses some by name')
    .option('--ssh-config <FILE>', 'for ssh, instead of ~/.ssh/config')
    .option('--timeout <SECONDS>', 'for each host to answer a round of questions: 20, 20s or 500ms', timeoutOf)
    .option('--json', 'print the report as JSON')
    .option('--no-color', 'no colours')
    .option('--quiet', 'only the diagnoses and the verdict')
    .option('--verbose', 'everything that was found')
    .action(async (files: string[], flags: BundleFlags) => {
      const [{ runBundle }, { validateBundle }] = await Promise.all([import('../commands/bundle.js'), import('../commands/validate.js')]);
      const options = bundleOptions(files, await withInventory(flags), shell.version);
      await validateBundle(options);
      await shell.report({ ...flags, output: 'table' }, (speech) => cleanly(() => runBundle(options, speech)));
    });
}

const signals = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** A signal would end the process at once: it has to end by itself, so that what is half done is removed. */
async function cleanly<T>(run: () => Promise<T>): Promise<T> {
  const end = (_: NodeJS.Signals, number: number) => process.exit(128 + number);
  for (const name of signals) process.once(name, end);
  try {
    return await run();
  } finally {
    for (const name of signals) process.off(name, end);
  }
}

function bundleOptions(files: readonly string[], flags: BundleFlags, version: string): BundleOptions {
  const { trace, port = [], probe } = flags;
  if (trace === undefined && (port.length > 0 || probe))
    throw new UsageError('--port and --probe are about packets: say how long with --trace');
  const { host = [], client = [], outbound = [], nginx, sshConfig, timeout, out, overwrite, maxSize } = flags;
  return {
    version,
    hosts: reachedBy(host, sshConfig),
    files,
    clients: client,
    outbound,
    out,
    overwrite: overwrite === true,
    mostBytes: maxSize,
    ...(trace === undefined ? {} : { trace: { ports: port, durationMs: trace, probe: probe === true } }),
    ...(nginx === undefined ? {} : { nginxPid: nginx }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
  };
}
