/** A packet that the kernel threw away, as tracefs prints the event skb:kfree_skb. */
export interface DropEvent {
  /** `IP_RPFILTER`, or a number in hexadecimal that the kernel has no name for. */
  reason: string;
  /** The function, without compiler's suffixes; an address where the kernel prints no names. */
  where: string;
  protocol: 'IPv4' | 'IPv6';
}

/** EtherTypes, as the event has them. */
export const protocols: ReadonlyMap<number, DropEvent['protocol']> = new Map([
  [0x0800, 'IPv4'],
  [0x86dd, 'IPv6'],
]);

/**
 * Reason numbers and their names, which differ from kernel to kernel, from the event's `format` file. Undefined when the event has no reason, as
 * before Linux 5.17; empty when the file names none.
 */
export function parseReasons(format: string): ReadonlyMap<number, string> | undefined {
  if (!/^\s*field:[^;\n]*\breason;/m.test(format)) return undefined;
  const named = /__print_symbolic\(REC->reason,(.*)$/m.exec(format)?.[1] ?? '';
  return new Map([...named.matchAll(/\{ (\d{1,10}), "(\w{1,64})" \}/g)].map(([, number, name = '']) => [Number(number), name]));
}

/** One line of `trace_pipe`. Fields differ between kernels, and so does their order: each is looked for by its name. */
export function parseDrop(line: string, reasons: ReadonlyMap<number, string>): DropEvent | undefined {
  const event = line.indexOf(': kfree_skb: ');
  if (event < 0) return undefined;
  const fields = line.slice(event);
  const reason = /\breason: (\w{1,64})/.exec(fields)?.[1];
  const location = /\blocation=([\w.$]{1,128})/.exec(fields)?.[1];
  const protocol = protocols.get(Number(/\bprotocol=(\d{1,5})\b/.exec(fields)?.[1]));
  if (reason === undefined || location === undefined || protocol === undefined) return undefined;
  const number = /^(?:0x[\da-f]+|\d+)$/i.test(reason) ? Number(reason) : undefined;
  return { reason: (number === undefined ? undefined : reasons.get(number)) ?? reason, where: functionName(location), protocol };
}

/** `ip_rcv_finish_core.isra.0` is a piece or copy of `ip_rcv_finish_core` that the compiler made. */
export function functionName(symbol: string): string {
  return symbol.replace(/(?:\.(?:isra|constprop|part|cold|llvm|\d+))+$/, '');
}

/** Events that were overwritten before anybody read them: `CPU:1 [LOST 1234 EVENTS]`. */
export function parseLost(line: string): number {
  const [found, count = '1'] = /^CPU:\d+ \[LOST (?:(\d{1,15}) )?EVENTS\]$/.exec(line.trim()) ?? [];
  return found === undefined ? 0 : Number(count);
}
