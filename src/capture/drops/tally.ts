import { isKernelAddress, namesOf } from './symbols.js';
import { type DropEvent, functionName, parseDrop, parseLost } from './text.js';

/** Packets of one kind that this machine threw away, in all its network namespaces. */
export interface DropCount extends DropEvent {
  count: number;
}

export interface Drops {
  /** The most frequent first. */
  counts: readonly DropCount[];
  /** Drops that were not counted because they came faster than they were read. */
  lost: number;
}

/** Kinds of drops that are told apart. */
const mostKinds = 500;

/** Counts by kind, in bounded space. */
export class Tally {
  private rest = '';
  private lost = 0;
  private readonly kinds = new Map<string, DropCount>();

  constructor(private readonly reasons: ReadonlyMap<number, string>) {}

  add(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.count(line);
  }

  private count(line: string): void {
    const event = parseDrop(line, this.reasons);
    if (event === undefined) {
      this.lost += parseLost(line);
      return;
    }
    const key = `${event.protocol} ${event.reason} ${event.where}`;
    const kind = this.kinds.get(key);
    if (kind) kind.count++;
    else if (this.kinds.size < mostKinds) this.kinds.set(key, { ...event, count: 1 });
    else this.lost++;
  }

  /** The function that gives the text of /proc/kallsyms is asked where the kernel prints addresses; where there is none, they stay. */
  async told(symbols?: () => Promise<string>): Promise<Drops> {
    const kinds = [...this.kinds.values()];
    const addresses = kinds.map(({ where }) => where).filter(isKernelAddress);
    const names = addresses.length > 0 && symbols ? namesOf(addresses, await symbols()) : new Map<string, string>();
    const counts = kinds.map((kind) => ({ ...kind, where: functionName(names.get(kind.where) ?? kind.where) }));
    return { counts: merged(counts).sort((a, b) => b.count - a.count), lost: this.lost };
  }
}

/** Several addresses may lie in one function. */
function merged(counts: readonly DropCount[]): DropCount[] {
  const kinds = new Map<string, DropCount>();
  for (const one of counts) {
    const key = `${one.protocol} ${one.reason} ${one.where}`;
    kinds.set(key, { ...one, count: one.count + (kinds.get(key)?.count ?? 0) });
  }
  return [...kinds.values()];
}
