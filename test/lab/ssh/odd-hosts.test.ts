import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHost } from '../../../src/host/target.js';
import { check, diagnosed } from '../doctor.js';
import { type Lab, raiseLab } from '../lab.js';
import { faults } from '../scenarios/index.js';
import { rootShell } from './accounts.js';
import { openSshd, type SshAccess, type SshdOptions } from './sshd.js';

const noise = 'echo welcome; echo "mesg: ttyname failed" >&2\n';

const shells = {
  bash: await rootShell('/bin/bash'),
  talkative: { ...(await rootShell('/bin/bash')), programs: `printf '%s' '${noise}' > ../.bashrc` },
  dash: await rootShell('/bin/dash'),
  busybox: { files: { ...(await rootShell('/bin/false')).files, '/bin/false': '#!/bin/sh\nexec busybox sh "$@"\n' } },
  tcsh: await rootShell('/bin/tcsh'),
  fish: await rootShell('/usr/bin/fish'),
};

describe('whatever the login shell there', () => {
  let lab: Lab;
  let access: SshAccess;
  beforeAll(async () => {
    lab = await raiseLab({ segments: [], hosts: Object.keys(shells).map((name) => ({ name, links: [] })), probes: {} });
    access = await openSshd(lab, shells);
  });
  afterAll(() => lab.remove());

  it.each(Object.keys(shells))('words arrive as they are, and nothing in them is carried out: %s', async (host) => {
    const hostile = [
      '$(id)',
      '`id`',
      '; id',
      '',
      ' a  b ',
      '*',
      '\\n',
      '"\'',
      '!!',
      '-n',
      '$HOME',
      '\t',
      'ü',
      '${IFS}',
      '&',
      '%b',
      '\\0101',
    ];
    const reply = await openHost({ kind: 'ssh', host, config: access.config })({ run: ['printf', '<%s>', ...hostile] });
    expect(reply.text).toBe(hostile.map((word) => `<${word}>`).join(''));
  });
});

async function inLab(fault: string, options: Record<string, SshdOptions>, use: (lab: Lab, access: SshAccess) => Promise<void>) {
  const lab = await raiseLab();
  try {
    await lab.change(faults.find(({ name }) => name === fault)?.changes ?? expect.unreachable());
    await use(lab, await openSshd(lab, options));
  } finally {
    await lab.remove();
  }
}

const busyboxFor = (wanted: string): string =>
  `for tool in $(busybox --list); do case $tool in ${wanted}) ln -s "$(command -v busybox)" "$tool" ;; esac; done`;

const busyboxBut = (left: string): string => busyboxFor(`${left}) ;; *`);

/** An iproute2 from before JSON. */
const oldIp = `printf '%s\n' '#!/bin/sh' 'case " $* " in *" -j "*)' '  echo "Option \\"-j\\" is unknown, try \\"ip -help\\"." >&2' '  exit 255' 'esac' \
  'exec /usr/bin/ip "$@"' > ip
chmod 755 ip`;

describe('a check over ssh', () => {
  it('needs no tools but iproute2 and those of busybox', () =>
    inLab('proxy/src-valid-mark', { proxy: { programs: busyboxBut('ip') } }, async (lab, { targets }) => {
      const { exitCode, report } = await check(lab, { targets });
      expect(diagnosed(report)).toEqual(['fault proxy/src-valid-mark on proxy']);
      expect({ exitCode, certainty: report.diagnoses[0]?.certainty }).toEqual({ exitCode: 1, certainty: 'proven' });
    }));

  it.each([
    ['an ip that knows no JSON', oldIp],
    ["busybox's own ip", busyboxFor('ip')],
  ])('tells what it cannot know of a host with %s, and what it knows of the others', (_, programs) =>
    inLab('upstream/not-listening (another port)', { dev4: { programs } }, async (lab, { targets }) => {
      const { exitCode, report } = await check(lab, { targets });
      expect(diagnosed(report)).toEqual(['fault upstream/not-listening on dev1']);
      expect(exitCode).toBe(1);
      expect(report.findings.filter(({ host, status }) => host === 'dev4' && status === 'crash')).toEqual([]);
      expect(report.notExamined.filter(({ what }) => what.startsWith('dev4:'))).toHaveLength(1);
    }),
  );
});
