import type { Fact, Facts, Host } from '../types.js';
import { known, unknown } from './fact.js';

/** Network counters under the names that nstat gives them. Absolute values: history, no proof. */
export async function read(host: Host): Promise<Fact<Facts['counters']>> {
  const [snmp, netstat, snmp6] = await Promise.all([
    host({ read: '/proc/net/snmp' }),
    host({ read: '/proc/net/netstat' }),
    host({ read: '/proc/net/snmp6' }),
  ]);
  if (!snmp.ok) return unknown(`counters: ${snmp.why}`);
  return known({
    ...parsePaired(snmp.text),
    ...(netstat.ok ? parsePaired(netstat.text) : {}),
    ...(snmp6.ok ? parseSingle(snmp6.text) : {}),
  });
}

/** /proc/net/snmp and netstat: a line of names, then a line of values, both beginning with the group. */
export function parsePaired(text: string): Record<string, number> {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const pairs = lines.flatMap((names, index) => {
    const values = lines[index + 1];
    const group = names[0];
    if (index % 2 === 1 || !values || !group?.endsWith(':') || values[0] !== group) return [];
    return names.slice(1).map((name, column) => [`${group.slice(0, -1)}${name}`, Number(values[column + 1])] as const);
  });
  return Object.fromEntries(pairs.filter(([, value]) => Number.isFinite(value)));
}

/** /proc/net/snmp6: a name and a value on each line. */
export function parseSingle(text: string): Record<string, number> {
  const pairs = text.split('\n').map((line) => line.trim().split(/\s+/));
  return Object.fromEntries(
    pairs.flatMap(([name, value]) => (name && value && /^\d+$/.test(value) ? [[name, Number(value)] as const] : [])),
  );
}
