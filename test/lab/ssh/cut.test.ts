import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CapturePlan } from '../../../src/capture/plan.js';
import { startCapture } from '../../../src/capture/start.js';
import { type LiveTarget, openHost } from '../../../src/host/target.js';
import { type Lab, raiseLab } from '../lab.js';
import { account } from './accounts.js';
import { frailLink } from './link.js';
import { openSshd, type SshAccess } from './sshd.js';

let lab: Lab;
let access: SshAccess;
beforeAll(async () => {
  lab = await raiseLab({ segments: [], hosts: [{ name: 'far', links: [] }], probes: {} });
  access = await openSshd(lab, { far: await account({ sudo: 'ALL=(ALL) NOPASSWD: ALL' }) });
});
afterAll(() => lab.remove());

/** Captures there, and what counts their seconds. A shell that waits for questions goes when sshd finds out that the link is gone. */
const running = async (): Promise<string> => (await lab.exec('far', "pgrep -x 'tcpdump|sleep' --ns $$ --nslist net || true")).stdout;

async function capture(target: LiveTarget) {
  const host = openHost(target, { timeoutMs: 5000 });
  expect(await host({ run: ['true'] })).toMatchObject({ ok: true });
  const plan: CapturePlan = { host: 'far', target, iface: 'lo', index: 1, direction: 'in', filter: 'udp', snapLength: 100 };
  const started = startCapture(plan, () => undefined);
  expect(await started.ready).toEqual({ ok: true });
  expect(await running()).not.toBe('');
  return { host, started };
}

describe('a capture over ssh', () => {
  it.each(['root', 'jo'])('leaves nothing there when it is stopped: %s', async (user) => {
    const { started } = await capture({ kind: 'ssh', host: 'far', user, config: access.config });
    expect(await started.stop()).toMatchObject({ captured: 0, dropped: 0 });
    await expect.poll(running, { timeout: 5000 }).toBe('');
  });

  it.each([
    ['loudly', 'root', 10_000],
    ['loudly', 'jo', 10_000],
    ['silently', 'jo', 40_000],
  ] as const)('leaves nothing there when the link is cut %s: %s', async (how, user, limit) => {
    const link = await frailLink(access);
    const { host, started } = await capture({ kind: 'ssh', host: 'far', user, config: link.config });
    await link.cut(how);
    await expect.poll(running, { timeout: limit, interval: 500 }).toBe('');
    expect((await started.ended).why).toMatch(/the connection was lost/);
    expect(await host({ run: ['true'] })).toEqual({ ok: false, why: expect.stringMatching(/the connection was lost/) });
    if (how === 'silently') await link.cut('loudly');
  });
});
