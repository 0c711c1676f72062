import { type Missing, parseConfig } from '../nginx/parse.js';
import { directoryOf } from '../nginx/paths.js';
import type { ConfigFile, ConfigFiles, Fact, Host, NginxMaster, NginxProcesses, Reply } from '../types.js';
import { known } from './fact.js';

/** Includes within includes: each round fetches what the last one named. nginx itself rarely needs four. */
const mostRounds = 64;
const mostFiles = 5000;
/** A chain of symbolic links longer than this is a loop (the kernel's own limit is 40). */
const mostLinks = 40;

/** The configuration files of every master as they are on disk now, read through the master's own root. */
export async function read(host: Host, nginx: NginxProcesses): Promise<Fact<readonly ConfigFiles[]>> {
  return known(await Promise.all(nginx.masters.map((master) => readMaster(host, master))));
}

async function readMaster(host: Host, master: NginxMaster): Promise<ConfigFiles> {
  const files = new Map<string, ConfigFile>();
  const globs = new Map<string, readonly string[]>();
  const collected = (): ConfigFiles => ({
    master: master.pid,
    main: master.configFile,
    prefix: master.prefix,
    base: directoryOf(master.configFile),
    files: asRecord(files),
    globs: asRecord(globs),
  });
  for (let round = 0; round < mostRounds && files.size < mostFiles; round++) {
    const { missing } = parseConfig(collected());
    if (missing.files.length + missing.globs.length === 0) break;
    await fetchMissing(host, master.root, missing, files, globs);
  }
  return collected();
}

async function fetchMissing(
  host: Host,
  root: string,
  missing: Missing,
  files: Map<string, ConfigFile>,
  globs: Map<string, readonly string[]>,
): Promise<void> {
  const wanted = missing.files.slice(0, mostFiles);
  const [fetched, matches] = await Promise.all([
    readFiles(host, root, wanted),
    Promise.all(missing.globs.map((pattern) => host({ glob: root + pattern }))),
  ]);
  wanted.forEach((path, i) => {
    files.set(path, fetched[i] ?? { ok: false, why: 'not read' });
  });
  missing.globs.forEach((pattern, i) => {
    globs.set(pattern, parseMatches(matches[i], root));
  });
}

async function readFiles(host: Host, root: string, paths: readonly string[]): Promise<readonly ConfigFile[]> {
  if (paths.length === 0) return [];
  const places = root === '' ? paths : await Promise.all(paths.map((path) => followLinks(host, root, path)));
  const [times, ...texts] = await Promise.all([
    host({ run: ['stat', '-L', '-c', '%.9Y %Y %n', ...places], timeoutMs: 5000 }),
    ...places.map((place) => host({ read: place })),
  ]);
  // stat fails when one of many files is missing, and still prints the others.
  const modified = parseTimes(times?.text ?? '');
  return texts.map((reply, i): ConfigFile => {
    if (!reply.ok) return { ok: false, why: reply.why };
    if (reply.truncated) return { ok: false, why: 'larger than can be read' };
    const modifiedAt = modified.get(places[i] ?? '');
    return modifiedAt === undefined
      ? { ok: false, why: 'its time of change could not be read' }
      : { ok: true, text: reply.text, modifiedAt };
  });
}

/** The kernel would follow an absolute link in a container from our root, not from the container's. */
async function followLinks(host: Host, root: string, path: string): Promise<string> {
  let place = path;
  for (let i = 0; i < mostLinks; i++) {
    const reply = await host({ run: ['readlink', root + place], timeoutMs: 5000 });
    const target = reply.ok ? reply.text.replace(/\n$/, '') : '';
    if (target === '') break;
    place = target.startsWith('/') ? target : `${directoryOf(place)}/${target}`;
  }
  return root + place;
}

/** `1795392979.123456789 1795392979 /etc/nginx/nginx.conf`: seconds since the epoch by path. A `stat` without fractions prints none, or something else. */
export function parseTimes(text: string): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const [, precise, whole, path] of text.matchAll(/^(\S{1,40}) (\d{1,12}) (.+)$/gm)) {
    const isPrecise = /^\d{1,12}[.,]\d{1,9}$/.test(precise ?? '');
    if (path) times.set(path, Number(isPrecise ? precise?.replace(',', '.') : whole));
  }
  return times;
}

function parseMatches(reply: Reply | undefined, root: string): readonly string[] {
  if (!reply?.ok) return [];
  const inside = reply.text.split('\n').filter((path) => path !== '' && path.startsWith(root));
  return inside.slice(0, mostFiles).map((path) => path.slice(root.length));
}

function asRecord<T>(map: ReadonlyMap<string, T>): Readonly<Record<string, T>> {
  return Object.assign(Object.create(null), Object.fromEntries(map));
}
