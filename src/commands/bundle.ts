import { directoryOf, type Item, replyItems, snapshotItem } from '../bundle/items.js';
import type { BundledHost, Manifest } from '../bundle/manifest.js';
import { packBundle } from '../bundle/pack.js';
import { readmeOf } from '../bundle/readme.js';
import { redactRecording, redactSnapshot } from '../bundle/redact/redact.js';
import { redactText } from '../bundle/redact/text.js';
import { exitCodeOf } from '../engine/verdict.js';
import { renderJson } from '../report/json.js';
import { renderTable } from '../report/table.js';
import type { Report } from '../types.js';
import type { TraceForBundle } from './bundle-trace.js';
import { caseOptionsOf, type Gathered, gather } from './gather.js';
import { loadJudge } from './judge.js';
import { type BundleOptions, type CheckResult, type Io, NotWritten } from './options.js';

/** `tpdoctor bundle`: gathers like `check`, takes secrets out, judges what is left and packs all of it. */
export async function runBundle(options: BundleOptions, io: Io): Promise<CheckResult> {
  const started = Date.now();
  const [gathered, judge] = await Promise.all([gather(options, caseOptionsOf(options), io), loadJudge()]);
  io.progress('taking secrets out');
  const clean = withoutSecrets(gathered);
  const filed = gathered.hosts.filter(({ name, reached }) => reached && !Object.hasOwn(gathered.recordings, name));
  if (filed.length > 0) io.warn(`of ${filed.map(({ name }) => name).join(', ')} only the snapshot is packed, as it comes from a file`);
  const traced = await captured(options, clean, io);
  try {
    const report = judge(clean, { ...options, only: [], skip: [] }, started, traced);
    io.progress(`packing ${options.out}`);
    const about = aboutBundle(options, clean, started);
    const manifest = await pack(options, about, [...reports(report, about), ...hostItems(clean), ...(traced?.items ?? [])]);
    for (const { path, size } of manifest.leftOut) io.warn(`left out of the bundle: ${path}, ${size} bytes; --max-size makes room`);
    return { report, exitCode: exitCodeOf(report.verdict), notes: [summary(options.out, manifest)] };
  } finally {
    traced?.remove();
  }
}

async function captured(options: BundleOptions, clean: Gathered, io: Io): Promise<TraceForBundle | undefined> {
  if (!options.trace) return undefined;
  const { traceForBundle } = await import('./bundle-trace.js');
  return traceForBundle({ ...options, trace: options.trace }, clean, io);
}

/** The diagnosis is made from what the recipient has, so that both read the same. */
function withoutSecrets(gathered: Gathered): Gathered {
  return {
    ...gathered,
    snapshots: new Map([...gathered.snapshots].map(([name, snapshot]) => [name, redactSnapshot(snapshot)])),
    hosts: gathered.hosts.map((host) => ({ ...host, ...(host.why === undefined ? {} : { why: redactText(host.why).slice(0, 4096) }) })),
    recordings: Object.fromEntries(Object.entries(gathered.recordings).map(([name, recording]) => [name, redactRecording(recording)])),
  };
}

function aboutBundle(
  { version }: BundleOptions,
  { hosts, snapshots, caseOptions }: Gathered,
  started: number,
): Omit<Manifest, 'items' | 'leftOut'> {
  const { clients, nginxPid, roles } = caseOptions;
  return {
    format: 1,
    tool: { name: 'tpdoctor', version },
    createdAt: new Date(started).toISOString(),
    asked: { clients: [...clients], ...(nginxPid === undefined ? {} : { nginxPid }) },
    hosts: hosts.map(({ name, target, reached, why }, index): BundledHost => {
      const stated = roles.get(name);
      return {
        name,
        target,
        reached,
        ...(why === undefined ? {} : { why }),
        ...(stated ? { roles: [...stated] } : {}),
        ...(snapshots.has(name) ? { snapshot: `${directoryOf(index, name)}/snapshot.json` } : {}),
      };
    }),
  };
}

function reports(report: Report, about: Omit<Manifest, 'items' | 'leftOut'>): Item[] {
  const text = renderTable(report, { width: 100, colour: false, unicode: true, verbosity: 'verbose' });
  const made = (path: string, kind: 'readme' | 'report', content: string): Item => ({
    entry: { path, kind, from: 'tpdoctor bundle', ok: true },
    content: Buffer.from(content),
  });
  return [
    made('README.txt', 'readme', readmeOf(about)),
    made('report.txt', 'report', text),
    made('report.json', 'report', renderJson(report)),
  ];
}

function hostItems({ hosts, snapshots, recordings }: Gathered): Item[] {
  const named = hosts.map(({ name }, index) => ({ name, directory: directoryOf(index, name) }));
  const ofSnapshots = named.flatMap(({ name, directory }) => {
    const snapshot = snapshots.get(name);
    return snapshot ? [snapshotItem(directory, snapshot)] : [];
  });
  return [
    ...ofSnapshots,
    ...named.flatMap(({ name, directory }) => replyItems(directory, name, Object.hasOwn(recordings, name) ? (recordings[name] ?? []) : [])),
  ];
}

async function pack(
  { out, overwrite, mostBytes }: BundleOptions,
  about: Omit<Manifest, 'items' | 'leftOut'>,
  items: readonly Item[],
): Promise<Manifest> {
  try {
    return await packBundle(out, about, items, { mostBytes, overwrite });
  } catch (error) {
    throw new NotWritten(`${out} was not written, and nothing is left of it: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function summary(out: string, { hosts, items }: Manifest): string {
  const files = items.filter(({ path }) => path !== undefined).length;
  const verb = items.some(({ kind }) => kind === 'capture') ? 'trace' : 'check';
  return `${out}: ${hosts.length} host${hosts.length === 1 ? '' : 's'}, ${files} files, secrets taken out; tpdoctor ${verb} ${out} reads it`;
}
