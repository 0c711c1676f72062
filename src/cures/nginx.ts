import { hasNetRaw } from '../path/legs/nginx.js';
import { factOf } from '../path/world.js';
import type { At, Cure, FixStep, NginxMaster, ProcessStatus, Snapshot } from '../types.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** How this very master is called: its own binary, prefix, configuration file, and what the command line adds to it. */
function nginxCommand(master: NginxMaster, ...args: string[]): string {
  const global = master.globalDirectives === undefined ? [] : ['-g', master.globalDirectives];
  return commandLine(master.executable, '-p', master.prefix, '-c', master.configFile, ...global, ...args);
}

function reloadStep(snapshot: Snapshot, master: NginxMaster): FixStep {
  return {
    host: snapshot.host,
    kind: 'command',
    run: nginxCommand(master, '-s', 'reload'),
    why: 'the running workers still have the old configuration',
  };
}

/** Makes the workers take the configuration that is on disk. */
export function reloadMaster(snapshot: Snapshot, pid: number): Cure | undefined {
  const master = findMaster(snapshot, pid);
  if (!master) return undefined;
  return { host: snapshot.host, steps: [reloadStep(snapshot, master)], apply: (before) => restarted(before, pid) };
}

export function findMaster(snapshot: Snapshot | undefined, pid: number): NginxMaster | undefined {
  return factOf(snapshot, 'nginx')?.masters.find((master) => master.pid === pid);
}

/** A change of one line: `remove` is text on it, null inserts a whole line before it. */
export interface LineEdit {
  at: At;
  remove: string | null;
  insert: string;
  why: string;
}

/** Changes a line of a configuration file and reloads. Undefined when the text is not on that line or the file is out of reach. */
export function editConfig(snapshot: Snapshot, pid: number, { at, remove, insert, why }: LineEdit): Cure | undefined {
  const master = findMaster(snapshot, pid);
  const line = lineAt(snapshot, pid, at);
  if (!master || line === undefined || (remove !== null && !line.includes(remove))) return undefined;
  const change = (text: string) => {
    const lines = text.split('\n');
    lines.splice(at.line - 1, 1, ...(remove === null ? [insert, line] : [line.replace(remove, () => insert)]));
    return lines.join('\n');
  };
  return {
    host: snapshot.host,
    steps: [
      { host: snapshot.host, kind: 'edit', file: `${master.root}${at.file}`, line: at.line, remove, insert, why },
      reloadStep(snapshot, master),
    ],
    apply: (before) => restarted(withText(before, pid, at.file, change), pid),
  };
}

/**
 * A directive as it stands in its file, from its name to its semicolon, when it is on one line and alone of its kind there.
 * This is what an edit removes: the words of the file, not ours.
 */
export function directiveText(snapshot: Snapshot, pid: number, directive: { name: string; at: At }): string | undefined {
  const rest = lineAt(snapshot, pid, directive.at)?.slice(directive.at.column - 1);
  const end = rest?.indexOf(';') ?? -1;
  return rest?.startsWith(directive.name) && end > 0 ? rest.slice(0, end + 1) : undefined;
}

/** The text of a line of the configuration as it is on disk. */
export function lineAt(snapshot: Snapshot, pid: number, at: At): string | undefined {
  const file = factOf(snapshot, 'nginxConfig')?.find((config) => config.master === pid)?.files[at.file];
  return file?.ok ? file.text.split('\n')[at.line - 1] : undefined;
}

function withText(snapshot: Snapshot, pid: number, name: string, change: (text: string) => string): Snapshot {
  return withFact(snapshot, 'nginxConfig', (configs) =>
    configs.map((config) => {
      const file = config.files[name];
      if (config.master !== pid || !file?.ok) return config;
      return { ...config, files: { ...config.files, [name]: { ...file, text: change(file.text) } } };
    }),
  );
}

/** Stops a master and starts it again from a shell that has every capability. */
export function restartMaster(snapshot: Snapshot, pid: number, why: string): Cure | undefined {
  const master = findMaster(snapshot, pid);
  if (!master) return undefined;
  const stop = `kill -QUIT ${pid}; n=0; while kill -0 ${pid} 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done`;
  const step: FixStep = {
    host: snapshot.host,
    kind: 'command',
    run: `${stop}; ${nginxCommand(master)}`,
    persist:
      'if a service manager starts nginx, mend its unit (User=, CapabilityBoundingSet=) or container options, else the next start brings the fault back',
    why,
  };
  const asRoot = (process: ProcessStatus): ProcessStatus => ({
    ...process,
    uid: 0,
    boundingCapabilities: '1ffffffffff',
    effectiveCapabilities: '1ffffffffff',
  });
  return {
    host: snapshot.host,
    steps: [step],
    apply: (before) =>
      restarted(
        withMaster(before, pid, (current) => ({ ...current, ...asRoot(current) })),
        pid,
      ),
  };
}

/** Seconds: a cure comes after the snapshot, so whatever the log holds, down to its last second, is about the workers before. */
const laterBy = 5;

/** What a reload or restart does to the workers: they are new, and a root master hands CAP_NET_RAW on when the configuration says `transparent` (nginx 1.13.8). */
function restarted(snapshot: Snapshot, pid: number): Snapshot {
  return withMaster(snapshot, pid, (master) => {
    const able = master.uid === 0 && hasNetRaw(master.boundingCapabilities);
    const sample = master.workers[0] ?? { ...master, pid: pid + 1, parent: pid };
    const startedAt = Math.max(sample.startedAt, (factOf(snapshot, 'clock')?.epochSeconds ?? 0) + laterBy);
    const worker = { ...sample, startedAt, ...(able ? { effectiveCapabilities: '2000' } : {}) };
    return { ...master, workers: [worker] };
  });
}

function withMaster(snapshot: Snapshot, pid: number, change: (master: NginxMaster) => NginxMaster): Snapshot {
  return withFact(snapshot, 'nginx', (value) => ({
    ...value,
    masters: value.masters.map((master) => (master.pid === pid ? change(master) : master)),
  }));
}
