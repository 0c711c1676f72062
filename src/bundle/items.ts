import type { Recording } from '../host/recording.js';
import type { Snapshot } from '../types.js';
import { type ManifestItem, wordsOf } from './manifest.js';
import type { Content } from './write.js';

/** What may go into a bundle: what the manifest says of it, and where there is something to keep, what it holds. */
export interface Item {
  entry: Omit<ManifestItem, 'size' | 'sha256'>;
  content?: Content;
}

/** The directory of a host. Its number keeps apart names that some file systems hold for the same, and `..` from being one. */
export function directoryOf(index: number, host: string): string {
  return `hosts/${index + 1}-${host}`;
}

export function snapshotItem(directory: string, snapshot: Snapshot): Item {
  return {
    entry: { path: `${directory}/snapshot.json`, kind: 'snapshot', host: snapshot.host, from: 'what the answers say', ok: true },
    content: Buffer.from(`${JSON.stringify(snapshot, null, 1)}\n`),
  };
}

/** Every answer of a host as it came, each in a file that can be looked at, in the order of the questions. */
export function replyItems(directory: string, host: string, recording: Recording): Item[] {
  return recording.flatMap(({ query, reply, tookMs }, index) => {
    const from = wordsOf(query);
    const stem = `${directory}/replies/${String(index + 1).padStart(4, '0')}-${slugOf(from)}`;
    const outcome = reply.ok ? { ok: true } : { ok: false, why: reply.why.slice(0, 4096) };
    const about = { kind: 'reply', host, from: from.slice(0, 4096), ...outcome, ...(tookMs === undefined ? {} : { tookMs }) } as const;
    const cut = reply.ok && reply.truncated ? { truncated: true as const } : {};
    const item: Item = reply.text
      ? { entry: { path: `${stem}.txt`, ...about, ...cut }, content: Buffer.from(reply.text) }
      : { entry: about };
    if (!reply.ok || reply.stderr === '') return [item];
    const from2 = `${about.from} 2>&1 >/dev/null`;
    return [item, { entry: { ...about, path: `${stem}.stderr.txt`, from: from2 }, content: Buffer.from(reply.stderr) }];
  });
}

/** `ip-j-route-show`: for people who list the archive. */
function slugOf(words: string): string {
  return words
    .replace(/[^A-Za-z0-9.]+/g, '-')
    .replace(/^[-.]+/, '')
    .slice(0, 40)
    .replace(/[-.]+$/, '');
}
