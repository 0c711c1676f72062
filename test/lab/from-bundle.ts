import { rm } from 'node:fs/promises';
import { expect } from 'vitest';
import type { Report } from '../../src/types.js';
import { reportOf, withoutTimes } from '../bundle/kit.js';

/** That a bundle of what was read gives the same report as the hosts themselves gave, but for times and targets. `saved` is what `check --save` left. */
export async function expectSameFromBundle(live: Report, saved: string): Promise<void> {
  const bundle = `${saved}.tgz`;
  await rm(bundle, { force: true });
  await reportOf('bundle', saved, '-o', bundle);
  expect(withoutTimes(await reportOf('check', bundle))).toEqual(withoutTimes(live));
}
