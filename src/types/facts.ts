import type { BootConfiguration } from './boot.js';
import type { FirewallTable } from './netfilter.js';
import type { ConfigFiles, NginxProcesses } from './nginx.js';
import type { Address, Link, Neighbour, PolicyRule, RecordedRoute, Route, TrafficControl } from './routing.js';

export type Fact<T> = { ok: true; value: T } | { ok: false; why: string };

/** Everything that can be known about one host. Each has a module of the same name (kebab-case) under facts/. */
export interface Facts {
  clock: Clock;
  platform: Platform;
  links: readonly Link[];
  addresses: readonly Address[];
  neighbours: readonly Neighbour[];
  policyRules: readonly PolicyRule[];
  routes: readonly Route[];
  /** Path below /proc/sys with slashes (interface names contain dots) → value. */
  sysctls: Readonly<Record<string, string>>;
  iptablesLegacy: readonly FirewallTable[];
  /** Empty when the tables are the same that `nft` lists as foreign. */
  iptablesNft: readonly FirewallTable[];
  nft: readonly FirewallTable[];
  trafficControl: TrafficControl;
  sockets: readonly Socket[];
  /** `TcpExtIPReversePathFilter` → value since boot: history, no proof. */
  counters: Readonly<Record<string, number>>;
  kernelFeatures: KernelFeatures;
  nginx: NginxProcesses;
  nginxConfig: readonly ConfigFiles[];
  nginxErrors: readonly ErrorLogLine[];
  /** Client addresses of access logs' ends, most recent last. */
  nginxClients: readonly SeenClient[];
  /** /etc/hosts: name → addresses. */
  hostNames: Readonly<Record<string, readonly string[]>>;
  selinux: Selinux;
  /** The kernel's own answers to the questions this case raised. */
  kernelRoutes: readonly RecordedRoute[];
  pings: readonly Ping[];
  /** Destinations outside that the user named, tried from an upstream; empty when none was. */
  outbound: readonly Ping[];
  /** Names of installed programs that a cure may use: iptables, ip6tables, nft, tc … */
  tools: readonly string[];
  /** Tools that persist or flush network state. */
  networkManagers: readonly string[];
  /** Not known in a network namespace that is not that of an init process: no file of this machine configures it. */
  bootConfiguration: BootConfiguration;
}

export type FactName = keyof Facts;

/** One host at one moment. Immutable; what a live run, a file and a bundle have in common. */
export interface Snapshot {
  format: 1;
  host: string;
  /** ISO 8601, by the clock of the machine that ran tpdoctor. */
  takenAt: string;
  facts: { readonly [K in FactName]?: Fact<Facts[K]> };
}

export interface Clock {
  /** The host's own clock. */
  epochSeconds: number;
  utcOffsetSeconds: number;
  uptimeSeconds: number;
}

export interface Platform {
  os: string;
  /** os-release ID and ID_LIKE: `debian`, `rhel` … */
  family: readonly string[];
  versionId: string;
  kernel: string;
  /** DMI: `Amazon EC2`, `QEMU` … */
  vendor?: string;
  product?: string;
  virtualization?: string;
  init: 'systemd' | 'other';
}

export interface Socket {
  protocol: 'tcp' | 'udp';
  state: string;
  /** `*` for any address of either family, `0.0.0.0` or `::` for any of one. */
  localAddress: string;
  localPort: number;
  /** Bound to a device. */
  link?: string;
  peerAddress?: string;
  peerPort?: number;
  process?: { name: string; pid: number };
  v6only?: boolean;
}

export interface KernelFeatures {
  release: string;
  /** True, false, or undefined when neither config nor modules could be read. Keys: act_nat, cls_u32, cls_flower, nf_tables, nft_socket, xt_socket, xt_TPROXY, nf_conntrack. */
  features: Readonly<Record<string, boolean | undefined>>;
}

export type ErrorKind =
  | 'setsockopt-transparent'
  | 'bind'
  | 'capset'
  | 'worker-died'
  /** A worker that could not take its user or group. */
  | 'worker-user'
  | 'connect-refused'
  | 'connect-unreachable'
  | 'connect-cannot-assign'
  | 'upstream-timeout'
  | 'no-live-upstreams'
  | 'worker-connections'
  /** `transparent` in a configuration, for an nginx that does not have it. */
  | 'transparent-unsupported'
  /** `stream {}` in a configuration, for an nginx without the module. */
  | 'stream-unknown';

/** A line of nginx's error log that matters. */
export interface ErrorLogLine {
  master: number;
  /** Seconds since the epoch, from the log's local time and the host's offset. */
  at: number;
  kind: ErrorKind;
  errno?: number;
  client?: string;
  /** `http://172.16.0.11:80/` or `172.16.0.11:3306`, as printed; `udp://172.16.0.11:53` for UDP, which the line says elsewhere. */
  upstream?: string;
  /** `0.0.0.0:53` in stream, server name in http. */
  server?: string;
  source: { file: string; line?: number };
  /** The line itself, at most 400 characters. */
  text: string;
}

export interface Selinux {
  /** `disabled` also where none is visible, as in a container. */
  mode: 'enforcing' | 'permissive' | 'disabled';
  /** What was denied to nginx, from the end of the audit log, oldest first. */
  denials: readonly SelinuxDenial[];
  /** Why the audit log could not be read. */
  unread?: string;
}

/** An AVC message about nginx. */
export interface SelinuxDenial {
  /** Seconds since the epoch. */
  at: number;
  permissions: readonly string[];
  /** Types of the contexts: `httpd_t`. */
  source: string;
  target: string;
  /** Object class: `capability`, `tcp_socket`, `process`. */
  class: string;
  /** The port that was asked for: `dest=` of a connect, `src=` of a bind. */
  port?: number;
  /** The whole line, at most 1000 characters. */
  text: string;
}

export interface SeenClient {
  address: string;
  /** Seconds since the epoch, when the log has it. */
  at?: number;
  status?: number;
  log: string;
}

export interface Ping {
  to: string;
  from?: string;
  ok: boolean;
  text: string;
}
