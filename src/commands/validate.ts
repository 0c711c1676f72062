import { constants } from 'node:fs';
import { access, lstat, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { loadChecks, loadRules } from '../engine/catalogue.js';
import { parseTarget } from '../host/target.js';
import { familyOf } from '../net/address.js';
import type { NamedHost } from '../types.js';
import { nearest } from './near.js';
import { checkNewDirectory } from './new-directory.js';
import { type BundleOptions, type CheckOptions, type PathOptions, type TraceOptions, UsageError } from './options.js';
import { matchesGlob } from './selection.js';

/** What only the rest of the program can say about the arguments: rejects with a UsageError before any host is asked. */
export async function validate(options: CheckOptions): Promise<void> {
  await checkHosts(options.hosts);
  await checkPatterns(options);
  await checkOutput('--record', options.record);
  await checkOutput('--save', options.save);
  if (options.fixScript !== undefined) await checkNewDirectory('--fix-script', options.fixScript);
}

/** The same for `trace`. */
export async function validateTrace(options: TraceOptions): Promise<void> {
  await checkHosts(options.hosts);
  await checkPatterns(options);
  await checkOutput('--record', options.record);
  await checkOutput('--save', options.save);
  if (options.write !== undefined) await checkNewDirectory('--write', options.write);
  if (options.read.length > 0 && (options.probe || options.drops))
    throw new UsageError('--read reads captures that are there: --probe and --drops need a live one');
  for (const { file } of options.read) await checkReadable('--read', file);
}

/** The same for `bundle`. */
export async function validateBundle({ hosts, out, overwrite }: BundleOptions): Promise<void> {
  for (const host of hosts) checkTarget(host);
  if (!overwrite && (await lstat(out).catch(() => undefined)))
    throw new UsageError(`-o: ${out} is there already; name another file, or replace it with --overwrite`);
  await checkOutput('-o', out);
  // The bundle grows beside its final name.
  await access(dirname(resolve(out)), constants.W_OK | constants.X_OK).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`-o: cannot write into ${dirname(resolve(out))}: ${error.code ?? 'no reason given'}`);
  });
}

/** The same for `path`. */
export async function validatePath({ hosts, from, to }: PathOptions): Promise<void> {
  await checkHosts(hosts);
  if (familyOf(from) !== familyOf(to.address)) throw new UsageError(`--from ${from} and --to ${to.address} are not of one address family`);
}

async function checkHosts(hosts: readonly NamedHost[]): Promise<void> {
  for (const host of hosts) checkTarget(host);
  for (const file of new Set(hosts.flatMap(({ ssh }) => ssh?.config ?? []))) await checkReadable('--ssh-config', file);
}

async function checkReadable(option: string, file: string): Promise<void> {
  await access(file, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${option}: cannot read ${file}: ${error.code ?? 'no reason given'}`);
  });
}

function checkTarget({ name, target, ssh }: NamedHost): void {
  const parsed = parseTarget(target, ssh);
  if ('error' in parsed) throw new UsageError(`--host ${name}: ${parsed.error}`);
  if (parsed.kind === 'file' && /^[a-z][a-z0-9+]*:\/\//i.test(target)) {
    throw new UsageError(`--host ${name}: "${target}" is no target; expected local, ssh://HOST, netns:NAME, a snapshot file or a bundle`);
  }
}

/** A misspelt id would otherwise skip nothing, or everything, without a word. */
async function checkPatterns({ only, skip }: Pick<CheckOptions, 'only' | 'skip'>): Promise<void> {
  if (only.length + skip.length === 0) return;
  const [checks, rules] = await Promise.all([loadChecks(), loadRules()]);
  const ids = [...new Set([...checks.keys(), ...rules.keys()])];
  for (const pattern of [...only, ...skip]) {
    if (ids.some((id) => matchesGlob(id, pattern))) continue;
    const near = nearest(pattern, ids);
    const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'tpdoctor explain lists all of them';
    throw new UsageError(`no check or cause is called "${pattern}": ${hint}`);
  }
}

async function checkOutput(option: string, file: string | undefined): Promise<void> {
  if (file === undefined) return;
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) throw new UsageError(`${option}: ${file} is a directory; name a file in it`);
  const place = found ? file : dirname(resolve(file));
  await access(place, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${option}: cannot write ${file}: ${error.code ?? 'no reason given'} for ${place}`);
  });
}
