import { describe, expect, it } from 'vitest';
import { diagnosed, trace } from '../doctor.js';
import { type Lab, raiseLab } from '../lab.js';
import { faults } from '../scenarios/index.js';
import { account } from './accounts.js';
import { openSshd, type SshAccess, type SshdOptions } from './sshd.js';

async function inLab(name: string, options: Record<string, SshdOptions>, use: (lab: Lab, access: SshAccess) => Promise<void>) {
  const lab = await raiseLab();
  try {
    await lab.change(faults.find((fault) => fault.name === name)?.changes ?? expect.unreachable());
    await use(lab, await openSshd(lab, options));
  } finally {
    await lab.remove();
  }
}

const withSudo = await account({ sudo: 'ALL=(ALL) NOPASSWD: ALL' });

describe('a trace over ssh', () => {
  it('proves where transactions end, also through sudo, and where a host takes few sessions in one connection', () =>
    inLab('proxy/src-valid-mark', { proxy: { ...withSudo, config: ['MaxSessions 2'] } }, async (lab, { targets }) => {
      const { exitCode, report } = await trace(
        lab,
        ['--port', '80', '--probe'],
        targets.map((word) => word.replace('ssh://proxy', 'ssh://jo@proxy')),
      );
      expect(diagnosed(report)).toEqual(['fault proxy/src-valid-mark on proxy']);
      expect({ exitCode, certainty: report.diagnoses[0]?.certainty }).toEqual({ exitCode: 1, certainty: 'proven' });
      const lost = report.trace?.patterns.filter(({ end }) => end === 'vanished') ?? [];
      expect(new Set(lost.map(({ vanishedAfter }) => `${vanishedAfter?.host} ${vanishedAfter?.iface}`))).toEqual(new Set(['proxy eth1']));
      expect(report.trace?.points).toHaveLength(7);
      expect(report.trace?.points.filter(({ dropped, partial }) => dropped > 0 || partial !== undefined)).toEqual([]);
    }));

  it('goes on without a host that has no tcpdump', () =>
    inLab('dsr/reply-not-rewritten', { dev1: { files: { '/usr/bin/tcpdump': '' } } }, async (lab, { targets }) => {
      const { exitCode, report } = await trace(lab, ['--port', '53', '--probe'], targets);
      expect(diagnosed(report)).toEqual(['fault dsr/reply-not-rewritten on proxy']);
      expect({ exitCode, certainty: report.diagnoses[0]?.certainty }).toEqual({ exitCode: 1, certainty: 'proven' });
      expect(report.trace?.points.map(({ host }) => host)).not.toContain('dev1');
    }));
});
