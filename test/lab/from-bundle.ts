import { rm } from 'node:fs/promises';
import { expect } from 'vitest';
import { readCaseFile } from '../../src/bundle/case-file.js';
import { redactSnapshot } from '../../src/bundle/redact/redact.js';
import { readSnapshots } from '../../src/host/snapshot-file.js';
import type { Report } from '../../src/types.js';
import { reportOf, withoutTimes } from '../bundle/kit.js';

/**
 * That a bundle gives the same report as the hosts themselves gave, but for times and targets; `saved` is what `check --save` left. The report that is
 * made with the bundle comes from what is in it: this is compared, as to judge it once more takes half a second.
 */
export async function expectSameFromBundle(live: Report, saved: string): Promise<void> {
  const bundle = `${saved}.tgz`;
  await rm(bundle, { force: true });
  expect(withoutTimes(await reportOf('bundle', saved, '-o', bundle))).toEqual(withoutTimes(live));
  const [read, before] = await Promise.all([readCaseFile(bundle), readSnapshots(saved)]);
  if (!read.ok || !before.ok) throw new Error('the bundle or what it was made of cannot be read');
  expect(read.hosts.map(({ snapshot }) => snapshot)).toEqual(before.snapshots.map(redactSnapshot));
}

/** That there is nothing in what was read that is taken for a secret: then a bundle's report cannot differ. */
export async function expectNothingSecret(saved: string): Promise<void> {
  const read = await readSnapshots(saved);
  if (!read.ok) throw new Error(read.why);
  expect(read.snapshots.map(redactSnapshot)).toEqual(read.snapshots);
}
