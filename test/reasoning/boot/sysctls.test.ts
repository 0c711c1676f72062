import { describe, expect, test } from 'vitest';
import { bootCommands } from '../../../src/reasoning/boot/commands.js';
import { bootSysctl, sysctlPath } from '../../../src/reasoning/boot/sysctls.js';
import type { BootFile } from '../../../src/types.js';
import { bootFile } from '../../kit/boot.js';
import { makeHost } from '../../kit/host.js';

const host = (init: 'systemd' | 'other') =>
  makeHost({ name: 'h', links: { eth0: [] }, facts: { platform: { os: 'x', family: [], versionId: '1', kernel: '6.1', init } } });
const value = (key: string, files: readonly BootFile[], init: 'systemd' | 'other' = 'systemd') =>
  bootSysctl(host(init), files, bootCommands(files.filter(({ kind }) => kind === 'script')))(key)?.value;
const file = (path: string, text: string) => bootFile(path.includes('/ufw/') ? 'ufw-sysctl' : 'sysctl', path, text);
const forward = 'net/ipv4/ip_forward';

describe('the last that sets a sysctl wins', () => {
  test('by the name of the file, whatever its directory', () => {
    const files = [file('/etc/sysctl.d/10-a.conf', 'net.ipv4.ip_forward=1'), file('/usr/lib/sysctl.d/50-b.conf', 'net.ipv4.ip_forward=0')];
    expect(value(forward, files)).toBe('0');
    expect(value(forward, [file('/etc/sysctl.d/60-a.conf', 'net.ipv4.ip_forward=1'), ...files])).toBe('1');
  });

  test('of two files of one name that of /etc is read alone', () => {
    const files = [
      file('/etc/sysctl.d/50-b.conf', 'net.ipv4.udp_early_demux = 0'),
      file('/usr/lib/sysctl.d/50-b.conf', 'net.ipv4.ip_forward = 1'),
    ];
    expect(value(forward, files)).toBeUndefined();
  });

  test('/etc/sysctl.conf counts for systemd only by its link', () => {
    const own = file('/etc/sysctl.conf', 'net.ipv4.ip_forward=1');
    expect(value(forward, [own])).toBeUndefined();
    expect(value(forward, [own], 'other')).toBe('1');
    expect(value(forward, [own, file('/etc/sysctl.d/99-sysctl.conf', 'net.ipv4.ip_forward=1')])).toBe('1');
  });

  test("ufw's come after those of the system, and commands after all", () => {
    const files = [file('/etc/sysctl.d/99-z.conf', 'net.ipv4.ip_forward=0'), file('/etc/ufw/sysctl.conf', 'net/ipv4/ip_forward=1')];
    expect(value(forward, files)).toBe('1');
    expect(value(forward, [...files, bootFile('script', '/etc/rc.local', 'echo 0 > /proc/sys/net/ipv4/ip_forward')])).toBe('0');
    expect(value(forward, [...files, bootFile('script', '/etc/rc.local', '/sbin/sysctl -q -w net.ipv4.conf.all.forwarding=0')])).toBe('0');
  });
});

describe('patterns', () => {
  const pattern = 'net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter';
  const key = (link: string) => `net/ipv4/conf/${link}/rp_filter`;

  test('match every link but those taken out', () => {
    const files = [file('/usr/lib/sysctl.d/50-default.conf', pattern)];
    expect([value(key('eth0'), files), value(key('eth0.100'), files), value(key('all'), files)]).toEqual(['2', '2', undefined]);
  });

  test('give way to a key of its own, wherever it stands', () => {
    const files = [file('/etc/sysctl.d/10-a.conf', 'net.ipv4.conf.eth0.rp_filter = 1'), file('/usr/lib/sysctl.d/50-default.conf', pattern)];
    expect(value(key('eth0'), files)).toBe('1');
  });
});

test('dots of a link keep their place where slashes part the words', () => {
  expect(sysctlPath('net.ipv4.conf.eth0/100.rp_filter')).toBe('net/ipv4/conf/eth0.100/rp_filter');
  expect(sysctlPath('net/ipv4/conf/eth0.100/rp_filter')).toBe('net/ipv4/conf/eth0.100/rp_filter');
});

test('a value from a variable is not known', () => {
  expect(
    bootSysctl(host('systemd'), [], bootCommands([bootFile('script', '/etc/rc.local', 'sysctl -w net.ipv4.ip_forward=$ON')]))(forward),
  ).toEqual({
    at: { path: '/etc/rc.local', line: 1 },
    key: forward,
  });
});
