import { locateConfig, parseOptions, streamModulePath } from '../nginx/command-line.js';
import { type Moment, parseProcess } from '../nginx/process.js';
import type { Fact, Host, NginxMaster, NginxProcesses, ProcessStatus, Reply } from '../types.js';
import { known, unknown } from './fact.js';
import { namespacesOf, processNames, whereIs } from './processes.js';

/** More nginx processes than this on one host are not looked at. */
const mostProcesses = 2048;
/** Any user can give a process a name and megabytes of arguments. */
const longestCommandLine = 64 << 10;

interface Process extends ProcessStatus {
  /** As titled, or the arguments joined by spaces. */
  title: string;
  arguments: readonly string[];
}

/** The nginx masters of this host's network namespace and their workers, from /proc. Never asks a binary for more than `-V`. */
export async function read(host: Host): Promise<Fact<NginxProcesses>> {
  const [names, ticks] = await Promise.all([processNames(host), host({ run: ['getconf', 'CLK_TCK'] })]);
  if (!names.ok) return unknown(`nginx processes: ${names.why}`);
  const pids = parsePids(names.text).slice(0, mostProcesses);
  if (pids.length === 0) return known({ masters: [], elsewhere: [] });
  const [processes, namespaces] = await Promise.all([readProcesses(host, pids, Number(textOf(ticks)) || 100), namespacesOf(host, pids)]);
  if (!processes) return unknown('nginx processes: the clock or /proc/uptime could not be read');

  const masters = await Promise.all(
    findMasters(processes).map(async (process) => ({ process, where: await whereIs(host, process.pid, namespaces(process.pid)) })),
  );
  const here = masters.filter(({ where }) => where === 'here').map(({ process }) => process);
  return known({
    masters: await Promise.all(here.map((process) => describe(host, process, workersOf(process, processes)))),
    elsewhere: masters
      .filter(({ where }) => where === 'elsewhere')
      .map(({ process }) => ({ pid: process.pid, commandLine: commandLineOf(process) })),
  });
}

/** Process ids from `/proc/PID/comm:NAME` lines. The name must be nginx's own: exporters and other helpers begin alike. */
export function parsePids(text: string): readonly number[] {
  return [...text.matchAll(/^\/proc\/(\d{1,10})\/comm:(?:nginx|nginx-debug|openresty)$/gm)].map(([, pid]) => Number(pid));
}

async function readProcesses(host: Host, pids: readonly number[], ticksPerSecond: number): Promise<Process[] | undefined> {
  // One batch, and the clock on both sides, so that clock and uptime belong together: `btime` of /proc/stat is off by up to a second.
  const [before, uptime, after, files] = await Promise.all([
    host({ run: ['date', '+%s.%N'] }),
    host({ read: '/proc/uptime' }),
    host({ run: ['date', '+%s.%N'] }),
    readFiles(
      host,
      pids.flatMap((pid) => ['status', 'stat', 'cmdline'].map((file) => `/proc/${pid}/${file}`)),
    ),
  ]);
  // busybox prints `%N` as it stands.
  const moment: Moment = {
    epochSeconds: (Number.parseFloat(textOf(before)) + Number.parseFloat(textOf(after))) / 2,
    uptimeSeconds: Number.parseFloat(textOf(uptime)),
    ticksPerSecond,
  };
  if (!Number.isFinite(moment.epochSeconds) || !Number.isFinite(moment.uptimeSeconds)) return undefined;
  return pids.flatMap((pid) => {
    const text = (file: string) => files.get(`/proc/${pid}/${file}`) ?? '';
    const process = parseProcess(text('status'), text('stat'), moment);
    // A process that has ended since leaves nothing.
    return process ? [{ ...process, ...parseCommandLine(text('cmdline')) }] : [];
  });
}

/** So many at a time: the shell copies its whole list of words for every one it adds. */
const filesAtOnce = 240;

/** Texts by path; a file that is gone has none. One program for many files, where its grep knows `-a`: command lines contain NULs. */
async function readFiles(host: Host, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const groups = Array.from({ length: Math.ceil(paths.length / filesAtOnce) }, (_, i) =>
    paths.slice(i * filesAtOnce, (i + 1) * filesAtOnce),
  );
  const replies = await Promise.all(groups.map((group) => host({ run: ['grep', '-asH', '', ...group] })));
  const found = replies.map(({ text = '' }) => text).join('');
  if (found !== '') return splitByPath(found);
  const texts = await Promise.all(paths.map((path) => host({ read: path })));
  return new Map(paths.map((path, i) => [path, textOf(texts[i])]));
}

/** Lines `/proc/123/stat:TEXT`, several for one path. Only grep begins a line, so no text can pass for another file's. */
function splitByPath(text: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [, path = '', line = ''] of text.matchAll(/^(\/proc\/\d{1,10}\/\w+):(.*)$/gm)) {
    const before = texts.get(path);
    texts.set(path, before === undefined ? line : `${before}\n${line}`);
  }
  return texts;
}

/** The argument list, NUL-separated; nginx writes a title over it and leaves NULs behind. */
export function parseCommandLine(text: string): { title: string; arguments: readonly string[] } {
  const words = text.slice(0, longestCommandLine).split('\0');
  while (words.length > 0 && words.at(-1)?.trim() === '') words.pop();
  return { title: words.join(' ').trimEnd(), arguments: words.length > 1 ? words : (words[0] ?? '').split(' ') };
}

const masterTitle = 'nginx: master process ';

function findMasters(processes: readonly Process[]): readonly Process[] {
  const pids = new Set(processes.map(({ pid }) => pid));
  return processes.filter(({ title, parent, arguments: words }) => {
    if (title.startsWith('nginx: ')) return title.startsWith(masterTitle);
    // `master_process off`: one process without a title that serves by itself.
    return title !== '' && !pids.has(parent) && !parseOptions(words.slice(1)).oneShot;
  });
}

function workersOf(master: Process, processes: readonly Process[]): readonly ProcessStatus[] {
  if (!master.title.startsWith(masterTitle)) return [statusOf(master)];
  const isWorker = ({ parent, title }: Process): boolean => parent === master.pid && /^nginx: worker process\s*$/.test(title);
  return processes.filter(isWorker).map(statusOf);
}

function statusOf({ title: _title, arguments: _arguments, ...status }: Process): ProcessStatus {
  return status;
}

/** The command line without nginx's title. */
function commandLineOf({ title }: Process): string {
  return title.startsWith(masterTitle) ? title.slice(masterTitle.length) : title;
}

async function describe(host: Host, process: Process, workers: readonly ProcessStatus[]): Promise<NginxMaster> {
  const at = `/proc/${process.pid}`;
  const [executable, workingDirectory, root, roots, build] = await Promise.all([
    ...['exe', 'cwd', 'root'].map((link) => host({ run: ['readlink', `${at}/${link}`] })),
    host({ run: ['stat', '-L', '-c', '%d:%i', '/', `${at}/root/`], timeoutMs: 5000 }),
    host({ run: [`${at}/exe`, '-V'], timeoutMs: 5000 }),
  ]);
  const { version, configureArguments } = parseBuild(build?.ok ? `${build.stderr}\n${build.text}` : '');
  const inRoot = sameRoot(textOf(root), textOf(roots)) ? '' : `${at}/root`;
  const streamModule = streamModulePath(configureArguments);
  const found = streamModule === undefined ? undefined : await host({ glob: inRoot + streamModule });
  const commandLine = commandLineOf(process);
  const words = commandLine === process.title ? process.arguments : commandLine.split(' ');
  const directory = textOf(workingDirectory) || '/';
  const options = parseOptions(words.slice(1));
  return {
    ...statusOf(process),
    commandLine,
    executable: textOf(executable).replace(/ \(deleted\)$/, ''),
    workingDirectory: directory,
    ...locateConfig(options, configureArguments, directory),
    ...(options.globalDirectives === undefined ? {} : { globalDirectives: options.globalDirectives }),
    root: inRoot,
    ...(version === undefined ? {} : { version }),
    configureArguments,
    ...(streamModule !== undefined && textOf(found) !== '' ? { streamModule } : {}),
    workers,
  };
}

/** A container's root reads `/` too when it is another mount namespace's: only the directory's identity tells. */
function sameRoot(link: string, identities: string): boolean {
  const [own, theirs] = identities.split('\n');
  return own && theirs ? own === theirs : link === '/' || link === '';
}

/** What `nginx -V` prints: `nginx version: nginx/1.22.1`, `openresty/1.21.4.1`, with the distribution in parentheses. */
export function parseBuild(text: string): { version?: string; configureArguments: string } {
  const [, product, version] = /^(?:nginx|openresty)(?: plus)? version: ([\w-]+)\/(\d{1,6}(?:\.\d{1,6}){1,4})/m.exec(text) ?? [];
  const configureArguments = /^configure arguments: *(.*)$/m.exec(text)?.[1] ?? '';
  if (version === undefined) return { configureArguments };
  // OpenResty adds a fourth number of its own to nginx's three.
  return { version: product === 'openresty' ? version.split('.').slice(0, 3).join('.') : version, configureArguments };
}

function textOf(reply: Reply | undefined): string {
  if (!reply) return '';
  return (reply.ok ? reply.text : '').trim();
}
