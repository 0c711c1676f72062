import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixScripts, type ScriptHost } from '../report/fix-script.js';
import type { Report, Snapshot } from '../types.js';
import type { Io } from './options.js';

/** Writes one script for each host that has a fault to cure and says what to do with them, in the order in which they are to be run. */
export async function writeFixScripts(
  directory: string,
  report: Report,
  snapshots: ReadonlyMap<string, Snapshot>,
  io: Pick<Io, 'warn'>,
): Promise<string[]> {
  const scripts = fixScripts(report, new Map([...snapshots].map(([host, snapshot]) => [host, scriptHost(snapshot)])));
  if (scripts.length === 0) return ['no script was written: no fault has a cure that could be tested'];
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const { file, text } of scripts) await writeFile(join(directory, file), text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    // A full disk must not cost the diagnosis.
    io.warn(`not every script was written: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
  const lines = scripts.map(({ host, file }, i) => `  ${i + 1}. on ${host}: sh ${join(directory, file)}`);
  return [
    'scripts to read, and then to run on their hosts with "apply" in this order ("undo" takes back, in the other direction):',
    ...lines,
  ];
}

function scriptHost({ facts }: Snapshot): ScriptHost {
  const addresses = facts.addresses?.ok
    ? facts.addresses.value.filter(({ scope }) => scope === 'global').map(({ address }) => address)
    : [];
  const masters = facts.nginx?.ok ? facts.nginx.value.masters : [];
  const configs = facts.nginxConfig?.ok ? facts.nginxConfig.value : [];
  const texts = configs.flatMap(({ master, files }) => {
    const root = masters.find(({ pid }) => pid === master)?.root ?? '';
    return Object.entries(files).flatMap(([path, file]) => (file.ok ? [[`${root}${path}`, file.text] as const] : []));
  });
  const byPath = new Map(texts);
  return { addresses, textOf: (file) => byPath.get(file) };
}
