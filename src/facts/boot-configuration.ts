import type { BootConfiguration, BootFile, BootKind, BootLine, Fact, Host, Reply } from '../types.js';
import { commandLines, type Source, sources } from './boot/sources.js';
import { known, unknown } from './fact.js';

const mostLines = 6000;
const mostFiles = 1000;
const mostText = 500;
const mostNamed = 20;

/** Where init systems keep links to what they start. */
const started = [
  '/etc/systemd/system/*.wants/*',
  '/usr/lib/systemd/system/*.wants/*',
  '/run/systemd/generator*/*.wants/*',
  '/etc/systemd/system/dbus-org.*',
  '/etc/rc[2-5S].d/S*',
  '/etc/runlevels/*/*',
];
const systemdLibraries = [
  '/usr/lib/systemd/libsystemd-shared-*',
  '/usr/lib/*/systemd/libsystemd-shared-*',
  '/lib/systemd/libsystemd-shared-*',
];

/** Names of the first process of a machine that boots; a container's is its payload or a reaper. */
const inits = new Set(['systemd', 'init', 'runit', 's6-svscan', 'dinit', 'openrc-init']);

/** What brings network state back at boot. Of another namespace than the machine's own, boot files say nothing. */
export async function read(host: Host): Promise<Fact<BootConfiguration>> {
  const refused = await foreign(host);
  if (refused !== undefined) return unknown(refused);
  const [replies, links, libraries] = await Promise.all([
    Promise.all(sources.map((source) => ask(host, source))),
    Promise.all(started.map((glob) => host({ glob }))),
    Promise.all(systemdLibraries.map((glob) => host({ glob }))),
  ]);
  const first = sources.flatMap((source, i) => parse(source, replies[i]));
  // A unit names a script, and the script a file of rules.
  const scripts = await readNamed(host, first, first);
  const rules = await readNamed(host, scripts, [...first, ...scripts]);
  const files = bounded([...first, ...scripts, ...rules]);
  const version = libraries
    .map(textOf)
    .join('\n')
    .match(/libsystemd-shared-(\d{1,4})\b/)?.[1];
  const incomplete = replies.map(whyIncomplete).find((why) => why !== undefined) ?? (files.cut ? 'there are too many lines' : undefined);
  return known({
    files: files.kept,
    enabled: parseStarted(links.map(textOf).join('\n')),
    ...(version === undefined ? {} : { systemd: Number(version) }),
    ...(incomplete === undefined ? {} : { incomplete }),
  });
}

/** Why the files of this machine do not configure the network namespace that is asked, or undefined. */
async function foreign(host: Host): Promise<string | undefined> {
  const [own, first, init] = await Promise.all([
    host({ run: ['readlink', '/proc/self/ns/net'] }),
    host({ run: ['readlink', '/proc/1/ns/net'] }),
    host({ read: '/proc/1/comm' }),
  ]);
  const failed = [own, first, init].find((reply) => !reply.ok);
  if (failed && !failed.ok) return `whether boot files configure this network namespace: ${failed.why}`;
  if (textOf(own).trim() !== textOf(first).trim()) return 'this network namespace is not that of process 1: no boot file configures it';
  const name = textOf(init).trim();
  return inits.has(name) ? undefined : `process 1 is ${name.slice(0, 20)}, no init: nothing here is configured by boot files`;
}

function ask(host: Host, { only = '', in: pattern }: Source): Promise<Reply> {
  return host({ grep: only, in: pattern });
}

function textOf(reply: Reply | undefined): string {
  return reply?.text ?? '';
}

function whyIncomplete(reply: Reply): string | undefined {
  const told = reply.ok ? reply.stderr : reply.why;
  const refusal = told.split('\n').find((line) => /permission denied/i.test(line));
  if (refusal !== undefined) return refusal.slice(0, 200);
  return reply.ok && reply.truncated ? 'a file is too long' : undefined;
}

/** Lines `path:text` of grep. Where every line was asked for, they are counted. */
function parse({ kind, only }: Source, reply: Reply | undefined): BootFile[] {
  const files = new Map<string, { lines: BootLine[]; count: number }>();
  for (const entry of textOf(reply).split('\n')) {
    const colon = entry.indexOf(':');
    if (!entry.startsWith('/') || colon < 0) continue;
    const path = entry.slice(0, colon);
    const file = files.get(path) ?? { lines: [], count: 0 };
    files.set(path, file);
    file.count += 1;
    const text = entry.slice(colon + 1);
    if (matters(kind, text))
      file.lines.push({ ...(only === undefined ? { line: file.count } : {}), text: shown(kind, text).trimEnd().slice(0, mostText) });
  }
  return [...files].map(([path, { lines }]) => ({ path, kind, lines }));
}

/** Targets that end a packet's way or nothing: rules with them bring back no mark and no rewrite. */
const plainTarget = /-j (?:ACCEPT|DROP|REJECT|LOG|NFLOG)\b/;

function matters(kind: BootKind, text: string): boolean {
  const bare = text.trim();
  if (bare === '' || /^[#;]/.test(bare)) return false;
  return (kind !== 'iptables-save' && kind !== 'ufw-rules') || !plainTarget.test(bare);
}

/** Arguments of programs that change no network state may be secret: only what they name is kept. */
function shown(kind: BootKind, text: string): string {
  const key = kind === 'unit' && !toolWord.test(text) ? /^\s*Exec\w+=/.exec(text)?.[0] : undefined;
  return key === undefined ? text : key + (text.match(absolute) ?? []).join(' ');
}

/** Files that the lines of others name. What the system itself brings is left alone. */
async function readNamed(host: Host, by: readonly BootFile[], present: readonly BootFile[]): Promise<BootFile[]> {
  const wanted = new Map<string, BootKind>();
  for (const file of by) {
    if (file.kind !== 'unit' && file.kind !== 'script' && file.kind !== 'interfaces') continue;
    const own = /^\/etc\/systemd\/system\/[^/]+\.service(?:\.d\/[^/]+)?$/.test(file.path);
    for (const { text } of file.lines) for (const path of pathsIn(text, own)) wanted.set(path, kindOfNamed(text, path));
  }
  for (const { path } of present) wanted.delete(path);
  const named = [...wanted]
    .slice(0, mostNamed)
    .map(([path, kind]): Source => ({ kind, in: path, ...(kind === 'script' ? { only: commandLines } : {}) }));
  const replies = await Promise.all(named.map((source) => ask(host, source)));
  return named.flatMap((source, i) => parse(source, replies[i]));
}

const toolWord = /(?:^|[^\w-])(?:ip|tc|nft|ip6?tables[a-z-]*|sysctl)(?:\W|$)/;
const absolute = /(?<![\w.$}-])\/[\w.@+/-]{2,200}/g;
const noFiles = /^\/(?:proc|sys|dev|run|var\/(?:log|run|lib))(?:\/|$)/;
const systemPath = /^\/(?:usr\/(?:s?bin|lib|libexec|share)|s?bin|lib(?:32|64)?)(?:\/|$)/;
const interpreters = /\/(?:env|ba?sh|dash|python[\d.]*|perl|ip|tc|nft|ip6?tables[a-z-]*|sysctl|sleep|true|echo|systemctl|nginx)$/;

/** Absolute paths in a line that may be scripts. Programs of the system are none, but in a unit of the administrator's own a script may stand among them. */
export function pathsIn(text: string, own = false): string[] {
  const paths = text.match(absolute) ?? [];
  return paths.filter((path) => !path.endsWith('/') && !noFiles.test(path) && !interpreters.test(path) && (own || !systemPath.test(path)));
}

function kindOfNamed(text: string, path: string): BootKind {
  if (/tables(?:-nft|-legacy)?-restore\b/.test(text)) return 'iptables-save';
  return /\bnft\b/.test(text) || path.endsWith('.nft') ? 'nft' : 'script';
}

function bounded(files: readonly BootFile[]): { kept: BootFile[]; cut: boolean } {
  let left = mostLines;
  const kept = files.slice(0, mostFiles).map((file) => {
    const lines = file.lines.slice(0, Math.max(left, 0));
    left -= file.lines.length;
    return { ...file, lines };
  });
  return { kept: kept.filter(({ lines }) => lines.length > 0), cut: left < 0 || files.length > mostFiles };
}

/** `…/multi-user.target.wants/nftables.service`, `/etc/rc2.d/S01nftables` and `/etc/runlevels/boot/nftables` all start nftables. */
export function parseStarted(text: string): string[] {
  const names = text.split('\n').map((path) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return /^\/etc\/rc/.test(path) ? name.replace(/^S\d\d/, '') : name.replace(/\.(?:service|target|socket|timer|path|mount)$/, '');
  });
  return [...new Set(names.filter((name) => name !== '' && name.length < 256))].sort().slice(0, 1000);
}
