import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/types.js';
import { captureOn, traceProcess } from './doctor.js';
import { inLab } from './in-lab.js';
import type { Lab } from './lab.js';

/*
 * What goes wrong while packets are captured costs the point or the file that it concerns, says so in a line, and nothing else.
 */

const program = fileURLToPath(new URL('../../bin/tpdoctor', import.meta.url));
const healthyLab = { changes: [] };

const namespaceOf = (lab: Lab, name: string): string => lab.hosts.find((host) => host.name === name)?.namespace ?? expect.unreachable();

/** Makes a link without Ethernet, IP or anything else that a filter could look into (TUNSETLINK, ARPHRD_NETLINK), which a default route names. */
const oddLink = `python3 - <<'END'
import fcntl, os, struct
tun = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH22x', b'odd0', 0x1001))
fcntl.ioctl(tun, 0x400454cb, 1)
fcntl.ioctl(tun, 0x400454cd, 824)
END
ip link set odd0 up
ip route add default dev odd0 metric 9999`;

/** A trace of DNS before and after something happens. */
async function traceAround(
  lab: Lab,
  happen: () => Promise<unknown>,
): Promise<{ report: Report; stderr: string; exitCode: number | undefined }> {
  const running = traceProcess(lab, ['--port', '53', '--duration', '60']);
  await captureOn(lab);
  await lab.probe('dns');
  await happen();
  await lab.probe('dns');
  running.kill('SIGINT');
  const { stdout, stderr, exitCode } = await running;
  return { report: JSON.parse(stdout) as Report, stderr, exitCode };
}

describe('while it is captured', () => {
  it('an interface may disappear: what it saw before counts, and the loss behind it is nothing that was proven', () =>
    inLab(healthyLab, async (lab) => {
      const { report, stderr, exitCode } = await traceAround(lab, () => lab.must('dev4', 'ip link del eth0'));
      expect(stderr).toMatch(/warning: dev4: .*eth0.*disappeared/);
      expect(report.trace?.points.find(({ host }) => host === 'dev4')).toMatchObject({
        packets: 2,
        partial: expect.stringContaining('disappeared'),
      });
      expect(report.trace?.transactions).toMatchObject({ total: 8, complete: 7 });
      expect(report.diagnoses.filter(({ severity }) => severity === 'fault')).toEqual([]);
      expect(exitCode).toBe(2);
    }));

  it('a host may drop out: the others tell what they saw', () =>
    inLab(healthyLab, async (lab) => {
      const { report, stderr, exitCode } = await traceAround(lab, async () => {
        const pids = (await execa('ip', ['netns', 'pids', namespaceOf(lab, 'dev4')])).stdout.split('\n').filter(Boolean);
        for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
        await execa('ip', ['netns', 'del', namespaceOf(lab, 'dev4')]);
      });
      expect(stderr).toMatch(/warning: dev4: /);
      expect(report.trace?.transactions).toMatchObject({ total: 8, complete: 7 });
      expect(exitCode).toBe(2);
    }));

  it('a link may be of a kind that no filter compiles for: the others are captured, and the verdict is theirs', () =>
    inLab({ changes: [{ host: 'client', run: oddLink }] }, async (lab) => {
      const { report, stderr, exitCode } = await traceAround(lab, async () => undefined);
      expect(stderr).toMatch(/warning: client: no capture on odd0: .*not implemented/);
      expect(report.trace?.points.map(({ host, iface }) => `${host} ${iface}`)).not.toContain('client odd0');
      expect({ exitCode, transactions: report.trace?.transactions }).toEqual({
        exitCode: 0,
        transactions: { total: 8, complete: 8, failed: 0, ambiguous: 0 },
      });
    }));

  it('permission may lack: it says for each interface what is needed, and that nothing was captured', () =>
    inLab(healthyLab, async (lab) => {
      const words = [`--net=/run/netns/${namespaceOf(lab, 'proxy')}`, 'setpriv', '--bounding-set=-net_raw', process.execPath, program];
      const { stdout, stderr, exitCode } = await execa('nsenter', [...words, 'trace', '--json', '--port', '53', '--duration', '1'], {
        reject: false,
      });
      const missing = 'a capture needs root, or the capability CAP_NET_RAW';
      for (const link of ['eth0', 'eth1']) expect(stderr).toMatch(new RegExp(`warning: local: no capture on ${link}: .*${missing}`));
      expect((JSON.parse(stdout) as Report).notExamined[0]).toMatchObject({ what: 'packets of the services', why: 'there was no capture' });
      expect(exitCode).toBe(2);
    }));

  it('the disk of --write may be full: whole packets stay, and the verdict is that of all packets', () =>
    inLab(healthyLab, async (lab) => {
      const [small, out] = [lab.directoryOf('client'), join(lab.directoryOf('client'), 'out')];
      const traced = ['trace', '--json', '--port', '53', '--probe', '--write', out, ...lab.hostArguments()];
      // The directory is looked at before its mount goes away.
      const script = 'mount -t tmpfs -o size=16k tmpfs "$0"; "$@"; status=$?; cp -r "$0/out" "$0/../kept"; exit $status';
      const { stdout, stderr, exitCode } = await execa(
        'unshare',
        ['--mount', 'sh', '-c', script, small, process.execPath, program, ...traced],
        {
          reject: false,
        },
      );
      expect(stderr).toMatch(/warning: \S+\.pcap was not saved whole: ENOSPC/);
      expect({ exitCode, transactions: (JSON.parse(stdout) as Report).trace?.transactions }).toEqual({
        exitCode: 0,
        transactions: { total: 12, complete: 12, failed: 0, ambiguous: 0 },
      });
      const kept = join(small, '..', 'kept');
      const whole = readdirSync(kept).map(async (name) => (await execa('tcpdump', ['-nr', join(kept, name)], { reject: false })).stderr);
      expect(
        (await Promise.all(whole)).filter((said) => said.includes('truncated dump file; tried to read') && !said.includes('only got 0')),
      ).toEqual([]);
    }));
});
