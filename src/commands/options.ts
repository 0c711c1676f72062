import type { NamedHost, Report } from '../types.js';

/** What `tpdoctor check` was asked to do. Everything is already checked for form. */
export interface CheckOptions {
  version: string;
  /** As named by --host, names unique. With no hosts and no files: this host. */
  hosts: readonly NamedHost[];
  /** Snapshot files given as arguments; each says itself which host it is. */
  files: readonly string[];
  /** Addresses and prefixes. */
  clients: readonly string[];
  nginxPid?: number;
  /** Destinations that upstreams must reach. */
  outbound: readonly string[];
  /** Globs over the ids of checks and causes. */
  only: readonly string[];
  skip: readonly string[];
  /** For one round of questions to a host, 100 … 600000 ms; 20000 when absent. A host that exceeds it is asked no more. */
  timeoutMs?: number;
  /** File that every query and reply is recorded to. */
  record?: string;
  /** File that the snapshots are written to. */
  save?: string;
  /** New or empty directory for scripts that cure what was found. */
  fixScript?: string;
}

/** What `tpdoctor bundle` was asked to do. */
export interface BundleOptions
  extends Pick<CheckOptions, 'version' | 'hosts' | 'files' | 'clients' | 'nginxPid' | 'outbound' | 'timeoutMs'> {
  /** The file to make. */
  out: string;
  /** A file that is there already is replaced. */
  overwrite: boolean;
  /** Bytes before compression; what does not fit is left out. */
  mostBytes: number;
  /** Packets are captured, too. */
  trace?: Pick<TraceOptions, 'ports' | 'durationMs' | 'probe'>;
}

/** What `tpdoctor path` was asked to do; `from` and `to` are of one family. */
export interface PathOptions extends Pick<CheckOptions, 'version' | 'hosts' | 'files' | 'nginxPid' | 'timeoutMs'> {
  /** The client's address. */
  from: string;
  to: { address: string; port: number; protocol?: 'tcp' | 'udp' };
}

/** What `tpdoctor trace` was asked to do. */
export interface TraceOptions extends Omit<CheckOptions, 'fixScript' | 'outbound'> {
  /** Listening ports; all transparent services when empty. */
  ports: readonly number[];
  /** Where no configuration tells it. */
  upstreamPorts: readonly number[];
  protocol?: 'tcp' | 'udp';
  /** How long to capture, 100 … 3600000 ms. */
  durationMs: number;
  /** End when so many transactions are over. */
  count?: number;
  /** Send requests of tpdoctor's own from the client's host. */
  probe: boolean;
  /** Directory for what is captured. */
  write?: string;
  /** Capture files to read instead of capturing, each of a host. */
  read: readonly { host: string; file: string }[];
  /** Read the kernel's reasons for dropping packets. */
  drops: boolean;
}

/** 0 healthy, 1 faulty, 2 undetermined. */
export type ExitCode = 0 | 1 | 2;

export interface CheckResult {
  report: Report;
  exitCode: ExitCode;
  /** Lines about what was written besides the report. */
  notes?: readonly string[];
}

/** How a command speaks before its result is there. Plain text, one line; may come from hosts. */
export interface Io {
  /** What is going on now; shown only on a terminal, each replacing the one before. */
  progress(text: string): void;
  warn(text: string): void;
  /** Of the terminal that progress is shown on. */
  columns?: number;
}

/** The command line asks for something that cannot be done as it stands: exit code 64. The message says what, where and what to do. */
export class UsageError extends Error {}

/** What the user wanted written could not be, as on a full disk: exit code 70. The message says which file and why. */
export class NotWritten extends Error {}
