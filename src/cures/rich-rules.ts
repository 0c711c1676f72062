import { type Admission, protocolName } from './admission.js';

/** The words of firewalld's rich language for an admission; undefined where it has none. Negative priorities go before all else of a zone. */
export function richRules(admission: Admission, priority: number): string[] | undefined {
  const { family, sources = [], destinations = [], mark, out } = admission;
  const what = mark === undefined && out === undefined ? elementOf(admission) : undefined;
  if (what === undefined) return undefined;
  const start = `rule priority="${priority}" family="ipv${family}"`;
  const among = (end: string, values: readonly string[]) =>
    values.length > 0 ? values.map((value) => ` ${end} address="${value}"`) : [''];
  const ends = among('source', sources).flatMap((from) => among('destination', destinations).map((to) => from + to));
  return ends.map((end) => `${start}${end} ${what} accept`);
}

/** A rule has one element only. */
function elementOf({ protocol, sourcePort, destinationPort }: Admission): string | undefined {
  if (protocol === undefined || (sourcePort !== undefined && destinationPort !== undefined)) return undefined;
  const name = protocolName(protocol);
  if (sourcePort !== undefined) return `source-port port="${sourcePort}" protocol="${name}"`;
  return destinationPort === undefined ? `protocol value="${name}"` : `port port="${destinationPort}" protocol="${name}"`;
}
