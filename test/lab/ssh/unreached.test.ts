import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHost } from '../../../src/host/target.js';
import type { Host } from '../../../src/types.js';
import { type Lab, raiseLab } from '../lab.js';
import { account, rootShell } from './accounts.js';
import { openSshd, type SshAccess } from './sshd.js';

/** One host for each kind of trouble; nothing runs on them but sshd. */
const troubles = {
  well: {},
  password: await account({ sudo: 'ALL=(ALL) ALL' }),
  stranger: await account({}),
  trusted: await account({ sudo: 'ALL=(ALL) NOPASSWD: ALL' }),
  terminal: await account({ sudo: 'ALL=(ALL) NOPASSWD: ALL\nDefaults requiretty' }),
  nologin: await rootShell('/usr/sbin/nologin'),
  busy: { config: ['MaxStartups 9:100:9'] },
  locked: { config: ['AuthorizedKeysFile none'] },
};

let lab: Lab;
let access: SshAccess;
beforeAll(async () => {
  lab = await raiseLab({ segments: [], hosts: Object.keys(troubles).map((name) => ({ name, links: [] })), probes: {} });
  access = await openSshd(lab, troubles);
});
afterAll(() => lab.remove());

/** A host by a configuration whose first lines are these. */
async function hostBy(host: string, { lines = [], user }: { lines?: readonly string[]; user?: string } = {}): Promise<Host> {
  const config = join(access.directory, `config-${Math.random()}`);
  await writeFile(config, [...lines, `Include ${access.config}`, ''].join('\n'));
  return openHost({ kind: 'ssh', host, config, ...(user === undefined ? {} : { user }) }, { timeoutMs: 6000 });
}

const whoAmI = { run: ['id', '-un'] };

async function whyNot(host: Host): Promise<string> {
  const reply = await host(whoAmI);
  return reply.ok ? expect.unreachable(reply.text) : reply.why;
}

describe('a host over ssh', () => {
  it('answers as root', async () => {
    expect(await (await hostBy('well'))(whoAmI)).toMatchObject({ ok: true, text: 'root\n' });
  });

  it('answers through sudo where the user is not root', async () => {
    expect(await (await hostBy('trusted', { user: 'jo' }))(whoAmI)).toMatchObject({ ok: true, text: 'root\n' });
  });
});

describe('many hosts', () => {
  it('are not turned away by a jump host that takes few logins at a time', async () => {
    const names = Array.from({ length: 24 }, (_, n) => `many${n}`);
    const lines = ['Host many*', `HostName ${lab.namespaceOf('busy')}`, 'Host *'];
    const replies = await Promise.all(names.map(async (name) => (await hostBy(name, { lines }))(whoAmI)));
    expect(replies.filter(({ ok }) => !ok)).toEqual([]);
  });
});

describe('what is wrong is told in one line, with what to do', () => {
  it.each([
    ['an unknown host key', 'well', { lines: ['UserKnownHostsFile /dev/null'] }, /ED25519 host key of tplab is not known.*by hand/],
    [
      'an unknown host key that the user would accept',
      'well',
      { lines: ['UserKnownHostsFile /dev/null', 'StrictHostKeyChecking no'] },
      /host key of tplab is not known/,
    ],
    ['a key that is not let in', 'locked', {}, /permission denied \(publickey\)/],
    ['a user who is not there', 'well', { user: 'nobody-here' }, /nobody-here@\S+: permission denied/],
    ['a connection that is closed at once', 'well', { lines: ['ProxyCommand false'] }, /ended before the login/],
    ['no answer at all', 'well', { lines: ['ProxyCommand sleep 20'] }, /no answer in time.*--timeout/],
    [
      'a name that is not known',
      'no-such-host.invalid',
      { lines: ['Host *.invalid', 'ProxyCommand none'] },
      /no-such-host.invalid is not known/,
    ],
    [
      'a refused connection',
      '127.0.0.1',
      { lines: ['Host 127.0.0.1', 'ProxyCommand none', 'Port 9'] },
      /127.0.0.1 refuses connections on port 9/,
    ],
    ['a configuration that ssh does not take', 'well', { lines: ['NoSuchOption yes'] }, /configuration.*nosuchoption/],
    ['sudo that asks for a password', 'password', { user: 'jo' }, /sudo asks jo for a password.*NOPASSWD/],
    ['sudo that does not know the user', 'stranger', { user: 'jo' }, /sudo .*jo/],
    ['sudo that wants a terminal', 'terminal', { user: 'jo' }, /requiretty/],
    ['a login shell that runs nothing', 'nologin', {}, /login shell/],
  ] as const)('%s', async (_, name, options, why) => {
    const said = await whyNot(await hostBy(name, options));
    expect(said).toMatch(why);
    expect(said).not.toMatch(/\n/);
  });

  it('a host key that has changed, and where the other one is', async () => {
    const known = join(access.directory, 'other_known_hosts');
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(access.directory, 'other')]);
    const { stdout: key } = await execa('ssh-keygen', ['-y', '-f', join(access.directory, 'other')]);
    await writeFile(known, `tplab ${key}\n`);
    const said = await whyNot(await hostBy('well', { lines: [`UserKnownHostsFile ${known}`] }));
    expect(said).toMatch(/host key of tplab is not the one in .*other_known_hosts:1:/);
  });
});
