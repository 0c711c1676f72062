/** One counter at one moment. */
export interface Counter {
  /** As nstat names it, or a rule as its tool prints it. */
  name: string;
  /** A whole number. */
  value: number;
  /** The file or command that it was read from. */
  source: string;
  /** `rule`: belongs to a firewall rule or filter, so that standing still says something, too. */
  kind: 'event' | 'rule';
  /** Counted for all network namespaces of the machine together. */
  scope?: 'machine';
}

/** Counters by a key that tells two with the same name apart. */
export type Counters = ReadonlyMap<string, Counter>;
