import { open, stat } from 'node:fs/promises';
import { readSnapshots } from '../host/snapshot-file.js';
import type { Role, Snapshot } from '../types.js';
import type { Manifest } from './manifest.js';
import { openBundle } from './open.js';
import type { BundledTrace } from './trace.js';

/** A host as a file tells of it; one that was not reached then has no snapshot. */
export interface FiledHost {
  name: string;
  snapshot?: Snapshot;
  why?: string;
  roles?: readonly Role[];
}

export type CaseFile = { ok: true; hosts: FiledHost[]; asked?: Manifest['asked']; trace?: BundledTrace } | { ok: false; why: string };

/** Compressed bytes of a bundle: more is not even looked at. */
const mostBytes = 2 ** 30;

/** Reads snapshots from what the user named: a file of them, or a bundle, whose `captures` may be wanted, too. Never rejects for what is in the file. */
export async function readCaseFile(path: string, wanted: { captures?: boolean } = {}): Promise<CaseFile> {
  if (!(await isCompressed(path))) {
    const read = await readSnapshots(path);
    return read.ok ? { ok: true, hosts: read.snapshots.map((snapshot) => ({ name: snapshot.host, snapshot })) } : read;
  }
  const read = await openBundle(path, wanted);
  if (!read.ok) return read;
  const { manifest, hosts, trace } = read.bundle;
  return { ok: true, asked: manifest.asked, hosts: hosts.map(({ host, snapshot }) => filed(host, snapshot)), ...(trace ? { trace } : {}) };
}

function filed({ name, reached, why, roles }: Manifest['hosts'][number], snapshot: Snapshot | undefined): FiledHost {
  const unreached = why ?? (reached && snapshot ? undefined : 'there is no snapshot of it in the bundle');
  return { name, ...(snapshot ? { snapshot } : {}), ...(unreached === undefined ? {} : { why: unreached }), ...(roles ? { roles } : {}) };
}

/** By its first bytes, those of gzip; what cannot be opened is for the reader of snapshots to name. */
async function isCompressed(path: string): Promise<boolean> {
  // A FIFO waits for its writer.
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile() || found.size > mostBytes) return false;
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.readUInt16BE(0) === 0x1f8b;
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
