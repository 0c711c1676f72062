/** What brings network state back at boot, as the files of the machine say it: their lines that matter, nothing interpreted. */
export interface BootConfiguration {
  files: readonly BootFile[];
  /** Units and init scripts that start at boot, without suffix or number: `nftables`, `netfilter-persistent`. */
  enabled: readonly string[];
  /** Version of systemd where its library is installed. */
  systemd?: number;
  /** Why a line may be missing here that is there: a file that may not be read, a bound. */
  incomplete?: string;
}

export interface BootFile {
  path: string;
  kind: BootKind;
  lines: readonly BootLine[];
}

export interface BootLine {
  /** Counted from 1; absent for files of which only some lines were asked for, because others may be secret. */
  line?: number;
  /** At most 500 characters. */
  text: string;
}

/** Who reads a file, and thereby what its lines mean. */
export type BootKind =
  | 'iptables-save'
  | 'nft'
  | 'interfaces'
  | 'networkd'
  | 'networkd-conf'
  | 'NetworkManager'
  | 'netplan'
  | 'sysctl'
  | 'ufw-sysctl'
  | 'ufw-rules'
  | 'ifcfg'
  | 'firewalld-direct'
  | 'firewalld-conf'
  | 'unit'
  /** Commands of a shell: rc.local, dispatchers, hooks, crontabs, scripts that a unit names. */
  | 'script';
