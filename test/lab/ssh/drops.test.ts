import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchFarDrops } from '../../../src/capture/far-drops.js';
import { openHost } from '../../../src/host/target.js';
import { kernelLacks } from '../kernel.js';
import { type Lab, raiseLab } from '../lab.js';
import { frailLink } from './link.js';
import { openSshd, type SshAccess } from './sshd.js';

const mountTracefs = 'mount -t tracefs tracefs /sys/kernel/tracing';

let lab: Lab;
let access: SshAccess;
beforeAll(async () => {
  lab = await raiseLab({ segments: [], hosts: ['tracing', 'plain'].map((name) => ({ name, links: [] })), probes: {} });
  access = await openSshd(lab, { tracing: { programs: mountTracefs } });
});
afterAll(() => lab.remove());

async function watchOver(host: string, config = access.config) {
  const target = { kind: 'ssh', host, config } as const;
  expect(await openHost(target)({ run: ['true'] })).toMatchObject({ ok: true });
  return watchFarDrops(target);
}

/** Trace instances that were made over ssh. */
async function instances(): Promise<string[]> {
  const { stdout } = await execa('unshare', ['--mount', 'sh', '-ec', `${mountTracefs}; ls /sys/kernel/tracing/instances`]);
  return stdout.split('\n').filter((name) => /^tpdoctor-\d+-000000$/.test(name));
}

const sendToNobody = () => lab.must('tracing', `bash -c 'for n in 1 2 3 4 5; do echo x >/dev/udp/127.0.0.1/9; done'`);

describe.each(kernelLacks('CONFIG_EVENT_TRACING') ? [] : ['drop reasons over ssh'])('%s', () => {
  it('are those of the kernel there, and nothing is left', async () => {
    const watched = await watchOver('tracing');
    if (!watched.ok) throw new Error(watched.why);
    expect(await instances()).toHaveLength(1);
    await sendToNobody();
    const { counts } = await watched.stop();
    const unwanted = counts.filter(({ reason }) => reason === 'NO_SOCKET').reduce((sum, { count }) => sum + count, 0);
    expect(unwanted).toBeGreaterThanOrEqual(5);
    expect(await instances()).toEqual([]);
  });

  it('leave nothing there when the link is cut', async () => {
    const link = await frailLink(access);
    const watched = await watchOver('tracing', link.config);
    expect(watched.ok).toBe(true);
    await link.cut('loudly');
    await expect.poll(instances, { timeout: 10_000, interval: 1000 }).toEqual([]);
  });

  it('are not to be had where tracefs is not mounted', async () => {
    expect(await watchOver('plain')).toEqual({ ok: false, why: expect.stringMatching(/tracefs is not mounted there/) });
  });
});
