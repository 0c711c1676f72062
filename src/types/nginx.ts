import type { Family } from './routing.js';

/** A place in a configuration file; lines and columns count from 1. */
export interface At {
  file: string;
  line: number;
  column: number;
}

/** A process as /proc tells it. Capability sets are 64-bit masks in hexadecimal without prefix. */
export interface ProcessStatus {
  pid: number;
  parent: number;
  /** Effective uid and gid. */
  uid: number;
  gid: number;
  effectiveCapabilities: string;
  permittedCapabilities: string;
  boundingCapabilities: string;
  noNewPrivileges: boolean;
  /** Seconds since the epoch, from /proc/uptime (error about 0.01 s). */
  startedAt: number;
}

export interface NginxMaster extends ProcessStatus {
  /** argv as nginx re-titled it, `nginx: master process ` removed. */
  commandLine: string;
  executable: string;
  workingDirectory: string;
  /** `-p`, `-c`, or the built-in values; absolute paths inside the master's root. */
  prefix: string;
  configFile: string;
  /** `-g`: directives that the command line adds; a reload has to bring them again. */
  globalDirectives?: string;
  /** Prefix of host paths for this master's root: `` or `/proc/PID/root`. */
  root: string;
  /** `1.22.1`, or undefined when the binary could not be asked. */
  version?: string;
  configureArguments: string;
  /** Path of ngx_stream_module.so inside the master's root, where it lies in the modules directory. */
  streamModule?: string;
  /** Without those that are shutting down. */
  workers: readonly ProcessStatus[];
}

export interface NginxProcesses {
  masters: readonly NginxMaster[];
  /** Masters seen on this machine whose network namespace is another one. */
  elsewhere: readonly { pid: number; commandLine: string }[];
}

/** The files of one master's configuration as they are on disk, and what its include patterns match. */
export interface ConfigFiles {
  master: number;
  main: string;
  prefix: string;
  /** Directory that relative `include` paths start from (that of the main file). */
  base: string;
  files: Readonly<Record<string, ConfigFile>>;
  globs: Readonly<Record<string, readonly string[]>>;
}

export type ConfigFile = { ok: true; text: string; modifiedAt: number } | { ok: false; why: string };

/** One directive of the parsed configuration; included files are already in place, once per including context. */
export interface Directive {
  name: string;
  args: readonly string[];
  at: At;
  /** Present for a block. A Lua block has `opaque` instead. */
  block?: readonly Directive[];
  opaque?: string;
}

export interface ConfigProblem {
  at: At;
  message: string;
  /** `fatal`: nginx would reject this; `unread`: a file that we could not read. */
  kind: 'fatal' | 'unread';
}

export interface ParsedConfig {
  directives: readonly Directive[];
  problems: readonly ConfigProblem[];
}

/** A value with the lines that led to it, the deciding one first. */
export interface Setting<T> {
  value: T;
  at: At;
}

export interface Listener {
  family: Family;
  /** Undefined for a wildcard. */
  address?: string;
  port: number;
  protocol: 'tcp' | 'udp';
  reuseport: boolean;
  at: At;
}

export interface Upstream {
  /** Numeric address, or undefined when the name could not be resolved. */
  address?: string;
  family?: Family;
  port: number;
  /** As written: `app1.example:80`. */
  name: string;
  down: boolean;
  backup: boolean;
  /** `max_fails` where it is written; 0: never marked down. */
  maxFails?: number;
  at: At;
}

/** Effective `proxy_bind`, with variables followed where they are constant (`map` default, `set`). */
export interface Bind {
  /** As written. */
  text: string;
  transparent: boolean;
  /** What the address part is: the client's address, a fixed address, or something that cannot be told. */
  address: 'client' | 'fixed' | 'unknown';
  fixedAddress?: string;
  /** What the port part is. */
  port: 'none' | 'client' | 'fixed' | 'unknown';
  fixedPort?: number;
  /** Client addresses that a `map` excepts: nginx connects for them under another address. */
  notFor?: readonly string[];
  at: At;
}

export type ServiceMode = 'transparent' | 'dsr-router-nat' | 'dsr-origin-nat' | 'dsr' | 'one-way' | 'plain';

/** One `proxy_pass` in its context with the listeners that reach it. */
export interface Service {
  /** Stable between runs: `http:81/`, `tcp:3306`, `udp:53`. */
  id: string;
  host: string;
  master: number;
  protocol: 'http' | 'tcp' | 'udp';
  listeners: readonly Listener[];
  upstreams: readonly Upstream[];
  /** Name of the `upstream` block, when there is one. */
  upstreamGroup?: { name: string; at: At; keepalive?: Setting<number>; healthCheck?: At };
  bind?: Bind;
  /** Stream, UDP only. */
  proxyResponses?: Setting<number>;
  proxyRequests?: Setting<number>;
  /** Milliseconds. */
  proxyTimeout?: Setting<number>;
  /** http: effective `proxy_http_version` (`1.0`, `1.1`) and whether `Connection` is sent as something other than `close`. */
  httpVersion?: Setting<string>;
  connectionHeader?: Setting<string>;
  healthCheck?: At;
  /** Stream: `proxy_protocol on` towards the upstream. */
  sendsProxyProtocol?: At;
  /** realip (set_real_ip_from) or PROXY protocol on the listener: $remote_addr is then not the peer's address. */
  realip?: At;
  /** Mode by configuration alone; the facts refine `dsr`. */
  mode: ServiceMode;
  /** The proxy_pass. */
  at: At;
}
