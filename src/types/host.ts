/** What a host can be asked. Nothing here can change the host: there is no way to write. */
export type Query =
  /** A program and its arguments, never a shell string. One that may hang has `timeoutMs`, 1 … 60000; without it the time of its whole batch counts. */
  | { run: readonly string[]; timeoutMs?: number }
  /** The bytes of a file, or only its last `lastBytes`. */
  | { read: string; lastBytes?: number }
  /** Paths that match a shell pattern, one a line, sorted. */
  | { glob: string }
  /** Lines that match a basic regular expression in the files of a shell pattern: `path:line`. */
  | { grep: string; in: string };

/**
 * The answer to one query. A program that fails, a file that is missing and a host that is gone look the same: `why` says which.
 * `text` is bounded (see host/agent) and `truncated` says when the bound was hit; `stderr` is kept because nginx -V and iptables-save speak there.
 */
export type Reply = { ok: true; text: string; stderr: string; truncated?: true } | { ok: false; why: string; text?: string };

/** One host. Queries asked in the same tick travel together. Never rejects: what the world does wrong is a Reply. */
export type Host = (query: Query) => Promise<Reply>;

/** A host as the command line named it. */
export interface NamedHost {
  name: string;
  /** As typed: `local`, `ssh://HOST`, `netns:NAME`, a file. */
  target: string;
  ssh?: SshWords;
  /** True when the user typed it, false for the implied `local`. */
  roles?: readonly Role[];
}

/** What ssh is told of a host beside its target. */
export interface SshWords {
  /** A file to read instead of ~/.ssh/config and the system's. */
  config?: string;
  /** A private key. */
  identityFile?: string;
  /** `[user@]host[:port]`, several with commas between: hosts to go through. */
  jump?: string;
}

export type Role = 'client' | 'proxy' | 'router' | 'upstream';
