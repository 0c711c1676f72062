/** A lab as data: what raiseLab builds. */
export interface Topology {
  /** Layer-2 segments: each becomes a bridge in the switch's namespace. */
  segments: readonly string[];
  hosts: readonly HostPlan[];
  /** Traffic that shows whether each of its services works. */
  probes: Readonly<Record<string, ProbePlan>>;
}

/** Requests of one client, half of them from each of its two addresses. */
export interface ProbePlan {
  /** What answers: an http server, a TCP server that says its piece and closes, or a name server over UDP. */
  kind: 'http' | 'tcp' | 'dns';
  client: string;
  from: readonly [string, string];
  to: string;
  port: number;
  /** All of them must answer. `answer` is the address that its name server gives. */
  upstreams: readonly { name: string; answer: string }[];
}

export interface HostPlan {
  name: string;
  /** The first is eth0, the second eth1 … */
  links: readonly LinkPlan[];
  /** Path below /proc/sys/net → value. */
  sysctls?: Readonly<Record<string, string>>;
  /** Name below the host's directory → text. */
  files?: Readonly<Record<string, string>>;
  /** POSIX sh, run in the host's namespace and directory once its links are up. Programs that it starts must go to the background. */
  setup?: string;
}

export interface LinkPlan {
  segment: string;
  /** With prefix length. */
  addresses: readonly string[];
}

/** Namespaces inherit some of this from the machine the lab runs on; a plain Debian has these values. */
export const debianSysctls: Readonly<Record<string, string>> = {
  'ipv4/ip_forward': '0',
  'ipv4/ip_early_demux': '1',
  'ipv4/tcp_early_demux': '1',
  'ipv4/udp_early_demux': '1',
  'ipv4/ip_unprivileged_port_start': '1024',
  'ipv4/conf/*/rp_filter': '0',
  'ipv4/conf/*/accept_local': '0',
  'ipv4/conf/*/src_valid_mark': '0',
  'ipv4/conf/*/send_redirects': '1',
  'ipv6/conf/all/forwarding': '0',
  'ipv6/conf/*/accept_ra': '0',
  // A tentative address cannot be bound yet, and duplicate detection takes seconds.
  'ipv6/conf/*/accept_dad': '0',
};
