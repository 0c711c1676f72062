import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { inLab } from '../in-lab.js';
import type { Lab } from '../lab.js';
import { type Allowed, transgressions, whileCapturing, whileCountingDrops, whileProbing } from './allowed.js';

const program = fileURLToPath(new URL('../../../bin/tpdoctor', import.meta.url));

/** System calls that change something beyond a process's own memory and descriptors, and those that open, ask and send. */
const calls = [
  'open,openat,openat2,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,mknod,mknodat',
  'chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,truncate,ftruncate,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,utimensat',
  'mount,umount2,pivot_root,chroot,setns,unshare,init_module,finit_module,delete_module,kexec_load,bpf,ptrace,iopl,quotactl,acct,swapon,swapoff,reboot',
  'sethostname,setdomainname,settimeofday,clock_settime,adjtimex,clock_adjtime,setsockopt,ioctl,kill,tkill,tgkill,sendto,sendmsg,sendmmsg',
].join(',');

/** Runs tpdoctor on nginx's host with every such call of it and of all that it starts written down; returns those that are not allowed. */
async function misdeeds(lab: Lab, args: readonly string[], more: readonly Allowed[]): Promise<string[]> {
  const log = join(lab.dir, 'calls');
  const namespace = lab.hosts.find(({ name }) => name === 'proxy')?.namespace;
  const traced = [
    'strace',
    '-f',
    '--seccomp-bpf',
    '-y',
    '-s',
    '512',
    '-o',
    log,
    '-e',
    `trace=${calls}`,
    process.execPath,
    program,
    ...args,
  ];
  // A mount of its own shows the trace instances that --drops needs.
  const mounted = ['unshare', '--mount', 'sh', '-c', 'mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null; exec "$@"', 'sh', ...traced];
  const { exitCode, stderr } = await execa('nsenter', [`--net=/run/netns/${namespace}`, ...mounted], { reject: false });
  expect([0, 2], stderr).toContain(exitCode);
  return transgressions(await readFile(log, 'utf8'), more);
}

/** What an administrator would compare: rules, routes, addresses, sysctls, modules and the host's own files, without what only counts. */
async function stateOf(lab: Lab): Promise<string> {
  const looks = [
    'nft -s list ruleset',
    'iptables-nft-save; ip6tables-nft-save',
    'ip rule; ip -6 rule; ip route show table all; ip -6 route show table all; ip -d addr; tc qdisc show; tc filter show dev eth0',
    'sysctl -a 2>/dev/null | grep "^net\\." | grep -v "nf_conntrack_count"',
    'cut -d" " -f1 /proc/modules 2>/dev/null | sort',
    'find . -type f ! -name "*.log" -exec sha256sum {} + | sort; find . ! -name "*.log" -printf "%p %M %u %g %T@\\n" | sort',
  ];
  const { stdout } = await lab.exec('proxy', looks.map((look) => `{ ${look}; } 2>&1`).join('\n'));
  return stdout.replace(/^#.*|valid_lft \S+|preferred_lft \S+|expires \S+|\[\d+:\d+\]/gm, '');
}

describe('what tpdoctor does to a host', () => {
  it.each([
    ['check', ['check', '--json'], []],
    ['trace, which captures', ['trace', '--json', '--port', '53', '--duration', '1'], whileCapturing],
    ['trace --probe', ['trace', '--json', '--port', '53', '--duration', '2', '--probe'], [...whileCapturing, ...whileProbing]],
    ['trace --drops', ['trace', '--json', '--port', '53', '--duration', '1', '--drops'], [...whileCapturing, ...whileCountingDrops]],
  ] as const)('is what it must, and leaves the host as it was: %s', (_, args, more) =>
    inLab({ changes: [] }, async (lab) => {
      const before = await stateOf(lab);
      expect(await misdeeds(lab, args, more)).toEqual([]);
      expect(await stateOf(lab)).toBe(before);
    }),
  );
});

describe('the list of what is allowed', () => {
  it.each([
    'openat(AT_FDCWD</>, "/proc/sys/net/ipv4/ip_forward", O_WRONLY|O_TRUNC) = 3</proc/sys/net/ipv4/ip_forward>',
    'openat(AT_FDCWD</>, "/etc/sysctl.d/x.conf", O_RDWR|O_CREAT, 0666) = 3</etc/sysctl.d/x.conf>',
    'sendmsg(3<socket:[1]>, {msg_name={sa_family=AF_NETLINK}, msg_iov=[{iov_base=[{nlmsg_len=44, nlmsg_type=RTM_NEWROUTE, nlmsg_flags=NLM_F_REQUEST}]}]}, 0) = 44',
    'sendto(3<socket:[1]>, [{nlmsg_len=40, nlmsg_type=RTM_NEWLINK, nlmsg_flags=NLM_F_REQUEST|NLM_F_ACK|NLM_F_CREATE}], 40, 0, NULL, 0) = 40',
    'setsockopt(4<socket:[2]>, SOL_PACKET, PACKET_ADD_MEMBERSHIP, {mr_type=PACKET_MR_PROMISC}, 16) = 0',
    'setsockopt(4<socket:[2]>, SOL_IP, IPT_SO_SET_REPLACE, "x", 1) = 0',
    'ioctl(4<socket:[2]>, SIOCSIFFLAGS, {ifr_name="eth0"}) = 0',
    'finit_module(3</lib/modules/x.ko>, "", 0) = 0',
    'kill(1, SIGHUP) = 0',
    'unlink("/run/nginx.pid") = 0',
  ])('has no place for %s', (call) => {
    expect(transgressions(`77 ${call}\n`, [...whileCapturing, ...whileProbing, ...whileCountingDrops])).toEqual([call]);
  });

  it('lets a process end what it started', () => {
    expect(transgressions('77 kill(78, SIGTERM) = 0\n78 +++ killed by SIGTERM +++\n')).toEqual([]);
  });
});
