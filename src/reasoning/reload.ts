import { hasNetRaw, maySpoof } from '../path/legs/nginx.js';
import { factOf } from '../path/world.js';
import type { ConfigFiles, NginxMaster, Snapshot } from '../types.js';
import { olderThan } from './versions.js';

/** Seconds: file times and process starts come from different clocks of the kernel. */
const tolerance = 0.5;

/** Configuration files that changed after a master's oldest worker started, and how many seconds after. */
export function newerFiles({ files }: ConfigFiles, { workers }: NginxMaster): { file: string; late: number }[] {
  if (workers.length === 0) return [];
  const oldest = Math.min(...workers.map(({ startedAt }) => startedAt));
  return Object.entries(files).flatMap(([file, entry]) =>
    entry.ok && entry.modifiedAt > oldest + tolerance ? [{ file, late: entry.modifiedAt - oldest }] : [],
  );
}

/** The same by a master's pid on a host. */
export function unreadChanges(snapshot: Snapshot | undefined, master: NginxMaster): { file: string; late: number }[] {
  const config = factOf(snapshot, 'nginxConfig')?.find((each) => each.master === master.pid);
  return config ? newerFiles(config, master) : [];
}

/** Workers without the capability that this very master would give them at the next reload: they are older than the word `transparent`. */
export function awaitsReload(snapshot: Snapshot | undefined, master: NginxMaster): boolean {
  const unable = master.workers.some((worker) => !maySpoof(worker.effectiveCapabilities));
  const wouldGive = master.uid === 0 && !olderThan(master.version, '1.13.8') && hasNetRaw(master.boundingCapabilities);
  return unable && wouldGive && unreadChanges(snapshot, master).length > 0;
}
