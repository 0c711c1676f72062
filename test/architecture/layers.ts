/** Who may import whom. The longest `of` that a file's path starts with is its layer. */
export interface Layer {
  of: string;
  /** Beginnings of paths in this project. */
  may: readonly string[];
  /** Packages and Node's own modules. */
  packages?: readonly string[];
  why: string;
}

const arithmetic = ['src/types', 'src/net/'];

export const layers: readonly Layer[] = [
  { of: 'src/types', may: ['src/types'], why: 'everything shares the types, so they depend on nothing' },
  { of: 'src/net/', may: arithmetic, packages: ['ipaddr.js'], why: 'arithmetic on addresses knows no host' },
  { of: 'src/nginx/', may: [...arithmetic, 'src/nginx/'], why: 'a configuration means the same wherever it came from' },
  {
    of: 'src/path/',
    may: [...arithmetic, 'src/path/'],
    why: 'a prediction is a pure function of snapshots, so that a replay says what a live run says',
  },
  {
    of: 'src/cures/',
    may: [...arithmetic, 'src/nginx/', 'src/path/', 'src/facts/netfilter/', 'src/cures/'],
    why: 'a cure changes a copy of a snapshot; the rules it adds are read by the parsers that read a host',
  },
  {
    of: 'src/reasoning/',
    may: [...arithmetic, 'src/nginx/', 'src/path/', 'src/cures/', 'src/reasoning/'],
    why: 'what checks and rules share is as pure as they are',
  },
  {
    of: 'src/reasoning/boot/',
    may: [...arithmetic, 'src/path/', 'src/cures/', 'src/facts/netfilter/', 'src/reasoning/boot/'],
    why: 'saved rules are read by the parsers that read a host',
  },
  {
    of: 'checks/',
    may: [...arithmetic, 'src/nginx/', 'src/path/', 'src/reasoning/'],
    why: 'a check only looks: it has no cure and meets no other check',
  },
  {
    of: 'rules/',
    may: [...arithmetic, 'src/nginx/', 'src/path/', 'src/reasoning/', 'src/cures/', 'rules/'],
    why: 'a rule concludes from the case and says how to mend it',
  },
  {
    of: 'src/facts/',
    may: [...arithmetic, 'src/nginx/', 'src/facts/', 'src/path/questions.ts'],
    packages: ['zod'],
    why: 'a fact is read through the Host it is given, whatever that host is reached by',
  },
  {
    of: 'src/facts/platform.ts',
    may: [...arithmetic, 'src/facts/'],
    packages: ['systeminformation'],
    why: 'the machine that tpdoctor itself runs on may be asked through a library',
  },
  {
    of: 'src/facts/pings.ts',
    may: [...arithmetic, 'src/facts/'],
    packages: ['node:timers/promises'],
    why: 'pings go out in small batches, one tick each',
  },
  {
    of: 'src/report/',
    may: ['src/types', 'src/report/'],
    packages: ['cli-table3'],
    why: 'a format turns a finished report into text and decides nothing',
  },
  {
    of: 'src/report/fix-script.ts',
    may: ['src/types', 'src/report/', 'src/cures/shell.ts'],
    why: 'a script quotes what it holds just as printed commands are quoted',
  },
  {
    of: 'src/host/',
    may: ['src/types', 'src/host/'],
    packages: ['zod', 'node:child_process', 'node:crypto', 'node:fs/promises', 'node:net'],
    why: 'how a host is reached has nothing to do with what it is asked',
  },
  {
    of: 'src/host/inventory.ts',
    may: ['src/types'],
    packages: ['yaml', 'zod'],
    why: 'hosts that are written down are data like any other',
  },
  {
    of: 'src/host/ssh/',
    may: ['src/types', 'src/host/ssh/', 'src/cures/shell.ts'],
    packages: ['node:child_process', 'node:fs', 'node:net', 'node:os', 'node:path', 'node:timers/promises'],
    why: 'a connection has a private directory for its socket; what runs over it is quoted just as printed commands are',
  },
  {
    of: 'src/bundle/',
    may: [...arithmetic, 'src/host/', 'src/bundle/'],
    packages: [
      'zod',
      'tar/header',
      'node:crypto',
      'node:fs',
      'node:fs/promises',
      'node:os',
      'node:path',
      'node:stream',
      'node:stream/promises',
      'node:zlib',
    ],
    why: 'packs what hosts said and reads it again; what it means is for others',
  },
  {
    of: 'src/bundle/redact/',
    may: [...arithmetic, 'src/host/recording.ts', 'src/packets/', 'src/bundle/redact/'],
    packages: ['node:crypto'],
    why: 'secrets are taken out by pure functions',
  },
  {
    of: 'src/capture/counters',
    may: ['src/types', 'src/facts/', 'src/path/firewall.ts', 'src/capture/counters'],
    why: 'counters are read as facts are, and rules are named as predictions name them',
  },
  {
    of: 'src/capture/drops',
    may: ['src/types', 'src/capture/drops'],
    packages: ['node:crypto', 'node:fs', 'node:fs/promises', 'node:path'],
    why: 'drops are counted by the kernel of the machine that tpdoctor runs on, which is asked through files',
  },
  {
    of: 'src/capture/probe',
    may: [...arithmetic, 'src/facts/netfilter/presence.ts', 'src/capture/probe'],
    why: 'requests are planned from the case and sent through the Host they are given',
  },
  { of: 'src/packets/', may: [...arithmetic, 'src/packets/'], why: 'bytes in, headers out: where the bytes came from does not matter' },
  {
    of: 'src/capture/',
    may: [...arithmetic, 'src/host/', 'src/capture/'],
    packages: ['node:child_process', 'node:fs', 'node:module', 'node:path', 'node:timers/promises', 'node:url'],
    why: 'starts captures and hands over their bytes; what the bytes mean is for others',
  },
  {
    of: 'src/capture/files/',
    may: ['src/packets/', 'src/journeys/offline.ts', 'src/journeys/feed.ts', 'src/capture/files/'],
    packages: ['node:fs', 'node:url', 'node:worker_threads'],
    why: 'capture files are read and decoded on one core while another joins their packets',
  },
  {
    of: 'src/journeys/',
    may: [...arithmetic, 'src/packets/', 'src/journeys/'],
    why: 'which sightings are one transaction follows from the packets and what services were said to be there',
  },
  {
    of: 'src/engine/',
    may: [...arithmetic, 'src/nginx/', 'src/path/', 'src/reasoning/', 'src/journeys/', 'src/engine/'],
    why: 'from snapshots to a report without asking anyone; checks and rules are handed in',
  },
  { of: 'src/engine/catalogue.ts', may: ['src/types', 'src/engine/modules.ts'], why: 'the catalogue holds its modules to their shape' },
  { of: 'src/engine/modules.ts', may: [], packages: ['node:fs/promises'], why: 'the catalogue is its directories' },
  {
    of: 'src/commands/',
    may: [...arithmetic, 'src/path/questions.ts', 'src/facts/', 'src/host/', 'src/engine/', 'src/report/', 'src/commands/'],
    packages: ['commander'],
    why: 'a verb joins hosts and engine; it does not diagnose',
  },
  {
    of: 'src/commands/gather.ts',
    may: ['src/types', 'src/path/questions.ts', 'src/facts/', 'src/host/', 'src/bundle/', 'src/engine/', 'src/commands/'],
    why: 'hosts are asked or read from files, and are alike from here on',
  },
  {
    of: 'src/commands/bundle.ts',
    may: ['src/types', 'src/bundle/', 'src/engine/', 'src/report/', 'src/commands/'],
    why: 'packs what was gathered, without secrets, and the diagnosis that follows from it',
  },
  {
    of: 'src/commands/bundle-trace.ts',
    may: ['src/types', 'src/bundle/', 'src/capture/', 'src/engine/', 'src/commands/'],
    packages: ['node:fs', 'node:os', 'node:path'],
    why: 'captures lie in a private directory until they are packed',
  },
  {
    of: 'src/commands/trace-bundled.ts',
    may: ['src/types', 'src/bundle/', 'src/capture/files/', 'src/engine/', 'src/journeys/', 'src/commands/'],
    why: 'hands the packets of a bundle to the joining',
  },
  {
    of: 'src/commands/traced-point.ts',
    may: ['src/types', 'src/engine/', 'src/journeys/', 'src/packets/'],
    why: 'what captures are, live or in a bundle, to the joining',
  },
  {
    of: 'src/commands/trace.ts',
    may: ['src/types', 'src/bundle/', 'src/capture/', 'src/engine/', 'src/host/', 'src/journeys/', 'src/commands/'],
    why: 'packets are observed, live or from files, and laid over the case',
  },
  {
    of: 'src/commands/trace-live.ts',
    may: ['src/types', 'src/capture/', 'src/engine/', 'src/host/', 'src/journeys/', 'src/packets/', 'src/commands/'],
    packages: ['node:crypto', 'node:timers/promises'],
    why: 'hands the bytes of captures to the joining while they run',
  },
  {
    of: 'src/commands/trace-drops.ts',
    may: ['src/types', 'src/capture/'],
    why: 'asks the kernel of each machine that is captured on',
  },
  {
    of: 'src/commands/trace-progress.ts',
    may: ['src/types', 'src/journeys/', 'src/report/trace-story/live.ts', 'src/commands/'],
    why: 'tells what the joining knows so far in one line',
  },
  {
    of: 'src/commands/trace-files.ts',
    may: ['src/types', 'src/engine/', 'src/journeys/', 'src/capture/files/', 'src/commands/'],
    why: 'hands the packets of files to the joining',
  },
  {
    of: 'src/commands/trace-merged.ts',
    may: ['src/types', 'src/journeys/', 'src/capture/files/', 'src/report/sanitize.ts', 'src/commands/'],
    packages: ['node:path'],
    why: 'says of captures what was found in them, in text that is safe to show',
  },
  {
    of: 'src/commands/check.ts',
    may: ['src/types', 'src/engine/', 'src/host/', 'src/commands/'],
    packages: ['node:fs/promises'],
    why: 'writes the recording into the file that the user named',
  },
  {
    of: 'src/commands/inventory.ts',
    may: ['src/types', 'src/net/', 'src/host/inventory.ts', 'src/commands/'],
    packages: ['node:fs/promises', 'node:path'],
    why: 'the hosts that a file names are named as if they had been typed',
  },
  {
    of: 'src/commands/new-directory.ts',
    may: ['src/commands/'],
    packages: ['node:fs/promises', 'node:path'],
    why: 'looks whether a directory that the user named can be written into, before any host is asked',
  },
  {
    of: 'src/commands/fix-scripts.ts',
    may: ['src/types', 'src/report/', 'src/commands/'],
    packages: ['node:fs/promises', 'node:path'],
    why: 'writes scripts into the directory that the user named',
  },
  {
    of: 'src/commands/explain.ts',
    may: ['src/types', 'src/engine/catalogue.ts', 'src/report/', 'src/cures/persistence.ts', 'src/commands/'],
    why: 'a page tells how a cure lasts by the very table that printed cures are told by',
  },
  {
    of: 'src/commands/validate.ts',
    may: [...arithmetic, 'src/engine/', 'src/host/', 'src/commands/'],
    packages: ['node:fs', 'node:fs/promises', 'node:path'],
    why: 'looks whether the files that the user named can be written, before any host is asked',
  },
  {
    of: 'src/cli',
    may: ['src/types', 'src/commands/', 'src/report/', 'src/cli/'],
    packages: ['commander', 'node:fs'],
    why: 'arguments in, text and exit code out; nothing imports it; it reads the version from package.json',
  },
];

/** Lines that a file may have, and who may have more for what reason. */
export const mostLines = 300;
export const longFiles: Readonly<Record<string, string>> = {
  'test/path/firewall.test.ts': 'one list of what each kind of rule does, looked up by kind',
};
