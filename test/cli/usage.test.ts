import { describe, expect, it } from 'vitest';
import { run } from './surroundings.js';

describe('usage', () => {
  it.each([
    [['check', '--host', 'proxy'], 'NAME=TARGET'],
    [['check', '--host', '=local'], 'NAME=TARGET'],
    [['check', '--host', 'a='], 'NAME=TARGET'],
    [['check', '--host', 'a b=local'], 'letters'],
    [['check', '--host', `${'a'.repeat(65)}=local`], 'letters'],
    [['check', '--host', 'a=local', '--host', 'a=netns:x'], 'taken'],
    [['check', '--host', 'a=netns:'], 'netns:'],
    [['check', '--host', 'a=netns:../x'], 'netns:'],
    [['check', '--host', 'a=telnet://x'], 'netns:NAME'],
    [['check', '--host', 'a=ssh://-oProxyCommand=id'], 'ssh_config'],
    [['check', '--host', 'a=ssh://jo:secret@web'], 'key'],
    [['check', '--host', 'a=ssh://web:70000'], '65535'],
    [['check', '--host', 'a=ssh://web', '--ssh-config', '/nonexistent/config'], '/nonexistent/config'],
    [['check', '--client', '10.0.0.300'], '10.0.0.0/24'],
    [['check', '--client', '10.0.0.0/33'], '10.0.0.0/24'],
    [['check', '--nginx', '0'], '1234'],
    [['check', '--nginx', '1e3'], '1234'],
    [['check', '--outbound', '-x'], 'host name'],
    [['check', '--outbound', 'a b'], 'host name'],
    [['check', '--output', 'html'], 'table, json, junit, markdown'],
    [['check', '--output', 'constructor'], 'table, json, junit, markdown'],
    [['check', '--only', 'proxy/$(x)'], 'tpdoctor explain'],
    [['check', '--timeout', '0'], '500ms'],
    [['check', '--timeout', '20m'], '500ms'],
    [['check', '--timeout', '1e9'], '500ms'],
    [['check', '--timeout', '601'], '500ms'],
    [['check', '--timeout', '99ms'], '500ms'],
    [['check', '--only', 'proxy/mark-rule-mising'], 'proxy/mark-rule-missing'],
    [['check', '--skip', 'nothing/*'], 'tpdoctor explain'],
    [['check', '--record', '/nonexistent/file'], '/nonexistent'],
    [['check', '--save', '/'], 'directory'],
    [['check', '--bogus'], '--bogus'],
    [['chek'], 'check'],
    [['bundle'], '--out'],
    [['bundle', '-o', '/nonexistent/case.tgz'], '/nonexistent'],
    [['bundle', '-o', '/etc/hosts'], '--overwrite'],
    [['bundle', '-o', '/tmp/x.tgz', '--max-size', '1K'], '256M'],
    [['bundle', '-o', '/tmp/x.tgz', '--max-size', '2G'], '256M'],
    [['bundle', '-o', '/tmp/x.tgz', '--port', '53'], '--trace'],
    [['bundle', '-o', '/tmp/x.tgz', '--trace', '0'], '10s'],
    [['path', '--to', '10.0.0.1:80'], '--from'],
    [['path', '--from', '10.0.0.7'], '--to'],
    [['path', '--from', '10.0.0.0/8', '--to', '10.0.0.1:80'], '192.0.2.7'],
    [['path', '--from', '10.0.0.7', '--to', '10.0.0.1'], 'ADDRESS:PORT'],
    [['path', '--from', '10.0.0.7', '--to', '10.0.0.1:0'], 'ADDRESS:PORT'],
    [['path', '--from', '10.0.0.7', '--to', '10.0.0.1:65536'], 'ADDRESS:PORT'],
    [['path', '--from', '::1', '--to', '2001:db8::1:443'], 'ADDRESS:PORT'],
    [['path', '--from', '10.0.0.7', '--to', '[2001:db8::1]:443'], 'family'],
    [['path', '--from', '10.0.0.7', '--to', '10.0.0.1:80', '--protocol', 'sctp'], 'tcp or udp'],
    [['path', '--from', '10.0.0.7', '--to', '10.0.0.1:80', '--udp', '--protocol', 'tcp'], 'cannot be used with'],
    [['path', '--from', '10.0.0.7', '--to', '10.0.0.1:80', '--host', 'a=telnet://x'], 'netns:NAME'],
    [['explain', 'a', 'b'], 'too many'],
    [['explain', 'proxy/policy-rule-mising'], 'proxy/policy-rule-missing'],
    [[], 'Usage'],
  ])('refuses %j with exit code 64, nothing on stdout and what to do instead', async (argv, hint) => {
    const { code, out, err } = await run(...argv);
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err).toContain(hint);
  });

  it('does not let an argument steer the terminal through an error message', async () => {
    const { err } = await run('check', '--host', '\x1b[2J\u202e=x');
    expect(err).not.toMatch(/[\x1b\u202e]/);
  });

  it.each([[['--help']], [['check', '--help']], [['path', '--help']], [['explain', '--help']]])(
    'prints help on stdout: %j',
    async (argv) => {
      const { code, out, err } = await run(...argv);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain('Usage: tpdoctor');
    },
  );

  it('tells the version of the package', async () => {
    const { code, out } = await run('--version');
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
