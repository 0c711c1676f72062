export interface Clock {
  /** What the host's clock says more than the true time, at the first transaction. */
  offsetUs?: number;
  /** How much faster than true time it runs, in millionths. */
  ppm?: number;
}

export interface TrafficOptions {
  transactions: number;
  seed?: number;
  family?: 4 | 6;
  /** Transactions begun in a second; 20,000 unless given. */
  perSecond?: number;
  /** Hosts dev1, dev2 …: each has a point of its own. 1 to 200; 1 unless given. */
  upstreams?: number;
  /** Different client addresses, at most 65,536; 1000 unless given. */
  clients?: number;
  /** Different names asked for; 1000 unless given. */
  names?: number;
  /** Share of transactions, 0 to 1, that end at one of the seven ways between two sightings, each as likely. */
  loss?: number;
  /** Share of sightings of which a copy follows within 50 µs at the same point only, as where a packet is captured twice. */
  duplicates?: number;
  /** Share of ways that take up to 2 ms longer, so that later packets overtake. */
  delayed?: number;
  clocks?: { client?: Clock; proxy?: Clock; upstream?: Clock };
  /** Bytes of each frame that are kept; all unless given. */
  snapLength?: number;
  /** False: the source of replies stays the upstream's. */
  rewrites?: boolean;
  /** False: nginx asks from a port of its own, as without `$remote_port`. */
  keepsPort?: boolean;
  /** True time of the first transaction, in whole microseconds since 1970. */
  startUs?: number;
}

export interface TrafficPoint {
  host: string;
  iface: string;
}

/** Where the traffic is captured. */
export function pointsOf({ upstreams = 1 }: TrafficOptions): TrafficPoint[] {
  return [
    { host: 'client', iface: 'eth0' },
    { host: 'proxy', iface: 'eth0' },
    { host: 'proxy', iface: 'eth1' },
    ...Array.from({ length: upstreams }, (_, index) => ({ host: `dev${index + 1}`, iface: 'eth0' })),
  ];
}
