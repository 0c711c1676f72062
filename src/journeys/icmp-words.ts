/** By type and code; RFC 792, RFC 1122 and RFC 1812. */
const version4: ReadonlyMap<string, string> = new Map([
  ['3 0', 'net unreachable'],
  ['3 1', 'host unreachable'],
  ['3 2', 'protocol unreachable'],
  ['3 3', 'port unreachable'],
  ['3 4', 'fragmentation needed'],
  ['3 9', 'net prohibited'],
  ['3 10', 'host prohibited'],
  ['3 13', 'administratively prohibited'],
  ['5 0', 'redirect'],
  ['5 1', 'redirect'],
  ['11 0', 'time exceeded'],
]);

/** RFC 4443. */
const version6: ReadonlyMap<string, string> = new Map([
  ['1 0', 'no route'],
  ['1 1', 'administratively prohibited'],
  ['1 3', 'address unreachable'],
  ['1 4', 'port unreachable'],
  ['1 5', 'source address refused by policy'],
  ['1 6', 'route refused'],
  ['2 0', 'packet too big'],
  ['3 0', 'time exceeded'],
]);

/** What an ICMP error says: "ICMP port unreachable". */
export function icmpWords(family: 4 | 6, type: number, code: number): string {
  const known = (family === 4 ? version4 : version6).get(`${type} ${code}`);
  return `ICMP${family === 4 ? '' : 'v6'} ${known ?? `type ${type} code ${code}`}`;
}
