/** A system call with effects that tpdoctor, and what it starts, may make. */
export interface Allowed {
  /** Matches the call as strace writes it. */
  call: RegExp;
  why: string;
}

const always: readonly Allowed[] = [
  { call: /^open(?:at|at2)?\((?!.*\bO_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b)/, why: 'files are read' },
  { call: /^openat\([^"]*"\/dev\/(?:null|tty)"/, why: 'what is said there is lost, or for a person' },
  {
    call: /^ioctl\(\d+<[^>]*>, (?:TCGETS|TIOCGWINSZ|FIONBIO|FIOCLEX|FIONREAD|SIOCGI\w+|SIOCGSTAMP\w*|SIOCETHTOOL)\b/,
    why: 'terminals and links are asked; a descriptor may wait or not',
  },
  {
    call: /^setsockopt\(\d+<[^>]*>, SOL_SOCKET, SO_(?:SNDBUF|RCVBUF|TIMESTAMP\w*|SNDTIMEO\w*|RCVTIMEO\w*|ATTACH_FILTER|REUSEADDR|ERROR)\b/,
    why: "sizes, times and filters of a socket of tpdoctor's own",
  },
  { call: /^setsockopt\(\d+<[^>]*>, SOL_NETLINK, NETLINK_(?:EXT_ACK|GET_STRICT_CHK|CAP_ACK)\b/, why: 'how the kernel words its answers' },
  {
    call: /^setsockopt\(\d+<[^>]*>, SOL_(?:RAW|IP|IPV6|ICMPV6), (?:ICMP_FILTER|IP_RECVERR|IPV6_RECVERR|IPV6_RECVHOPLIMIT|0x7|1)\b/,
    why: "a ping's socket (0x7 is IPV6_CHECKSUM, 1 ICMPV6_FILTER)",
  },
  { call: /^sendto\(\d+<[^>]*>, "(?:\\10|\\200)/, why: 'an echo request each way, of ICMP or ICMPv6' },
  { call: /^send(?:to|msg)\(.*nlmsg_type=/, why: 'questions to the kernel; which, is looked at by itself' },
  { call: /^connect\(/, why: 'nothing is sent by it over UDP' },
];

export const whileCapturing: readonly Allowed[] = [
  {
    call: /^setsockopt\(\d+<[^>]*>, SOL_PACKET, PACKET_(?:AUXDATA|VERSION|RESERVE|RX_RING|TIMESTAMP|IGNORE_OUTGOING)\b/,
    why: 'the ring of a capture; PACKET_ADD_MEMBERSHIP would be promiscuous mode',
  },
  { call: /^setsockopt\(\d+<[^>]*>, SOL_SOCKET, SO_(?:DETACH_FILTER|BUSY_POLL)\b/, why: 'the filter of a capture' },
];

export const whileProbing: readonly Allowed[] = [
  { call: /^send(?:to|msg|mmsg)\(.*tpdoctor\\7invalid/, why: 'the query that was asked for' },
];

/** A private instance, which goes with its directory. */
export const whileCountingDrops: readonly Allowed[] = [
  {
    call: /^(?:mkdir|rmdir|unlinkat|mkdirat)\((?:AT_FDCWD<[^>]*>, )?"\/sys\/kernel\/tracing\/instances\/tpdoctor-[\w-]+"/,
    why: 'the instance is made and removed',
  },
  { call: /^openat\([^"]*"\/sys\/kernel\/tracing\/instances\/tpdoctor-[\w-]+\/[\w/-]+"/, why: 'the instance is told what to record' },
];

/** Questions of netlink: what gets, never what makes or deletes. */
const questions =
  /^(?:RTM_GET\w+|SOCK_DIAG_BY_FAMILY|NFNL_SUBSYS_NFTABLES<<8\|NFT_MSG_GET\w+|NFNL_SUBSYS_NFT_COMPAT<<8\|NFNL_MSG_COMPAT_GET|0xa10|NLMSG_DONE|0)$/;
/** iproute2 asks whether there is such a message by one without any content (iplink_have_newlink). */
const empty = /nlmsg_len=NLMSG_LENGTH\(16\)|nlmsg_len=32, nlmsg_type=RTM_NEWLINK, nlmsg_flags=NLM_F_REQUEST\|NLM_F_ACK/;

/** Calls of a trace by strace that are not allowed. `pids` are those of the processes that it followed. */
export function transgressions(trace: string, more: readonly Allowed[] = []): string[] {
  const lines = trace.split('\n').map((line) => /^(\d+) +(.*)$/.exec(line));
  const pids = new Set(lines.flatMap((line) => line?.[1] ?? []));
  const calls = lines.flatMap((line) => (line?.[2] && /^[a-z]/.test(line[2]) ? line[2] : []));
  return calls.filter((call) => !isAllowed(call, pids, [...always, ...more]));
}

function isAllowed(call: string, pids: ReadonlySet<string>, allowed: readonly Allowed[]): boolean {
  const [, killed] = /^(?:kill|tkill|tgkill)\(-?(\d+)/.exec(call) ?? [];
  if (killed !== undefined) return pids.has(killed);
  const asked = [...call.matchAll(/nlmsg_type=([^,\s]+)/g)].map(([, type = '']) => type);
  return (
    asked.every((type) => questions.test(type) || (type === 'RTM_NEWLINK' && empty.test(call))) &&
    allowed.some((each) => each.call.test(call))
  );
}
