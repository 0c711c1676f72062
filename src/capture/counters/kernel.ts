import { parsePaired, parseSingle } from '../../facts/counters.js';
import type { Host, Reply } from '../../types.js';
import type { Counter } from './counter.js';

/** What the kernel prints among its counters without counting. */
const states = new Set([
  'IpForwarding',
  'IpDefaultTTL',
  'TcpRtoAlgorithm',
  'TcpRtoMin',
  'TcpRtoMax',
  'TcpMaxConn',
  'TcpCurrEstab',
  'MPTcpExtMPCurrEstab',
]);

const conntrackEvents = ['invalid', 'insert_failed', 'drop', 'early_drop'];

/** Counters that the kernel keeps for all traffic: /proc alone is read. A file that this kernel does not have counts nothing. */
export async function readKernelCounters(host: Host): Promise<Counter[]> {
  const read = (path: string) => host({ read: path });
  const [snmp, netstat, snmp6, links, routeCache, conntrack, used, most] = await Promise.all([
    read('/proc/net/snmp'),
    read('/proc/net/netstat'),
    read('/proc/net/snmp6'),
    read('/proc/net/dev'),
    read('/proc/net/stat/rt_cache'),
    read('/proc/net/stat/nf_conntrack'),
    read('/proc/sys/net/netfilter/nf_conntrack_count'),
    read('/proc/sys/net/netfilter/nf_conntrack_max'),
  ]);
  return [
    ...fromRecord(parsePaired(textOf(snmp)), '/proc/net/snmp'),
    ...fromRecord(parsePaired(textOf(netstat)), '/proc/net/netstat'),
    ...fromRecord(parseSingle(textOf(snmp6)), '/proc/net/snmp6'),
    ...linkDrops(textOf(links)),
    ...martianSources(textOf(routeCache)),
    ...conntrackLosses(textOf(conntrack), [textOf(used).trim(), textOf(most).trim()]),
  ];
}

function textOf(reply: Reply): string {
  return reply.ok && !reply.truncated ? reply.text : '';
}

function fromRecord(values: Readonly<Record<string, number>>, source: string): Counter[] {
  return Object.entries(values).flatMap(([name, value]) =>
    states.has(name) || !Number.isSafeInteger(value) ? [] : [{ name, value, source, kind: 'event' as const }],
  );
}

/** What interfaces dropped, of /proc/net/dev: eight columns received, eight sent, the fourth of each counts drops. */
export function linkDrops(text: string): Counter[] {
  return text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':');
    const [link, columns] = [
      line.slice(0, colon).trim(),
      line
        .slice(colon + 1)
        .trim()
        .split(/\s+/),
    ];
    if (colon < 0 || columns.length < 16 || !columns.every((column) => /^\d{1,15}$/.test(column))) return [];
    const drops = (way: 'rx' | 'tx', column: number): Counter => ({
      name: `${link} ${way} dropped`,
      value: Number(columns[column]),
      source: '/proc/net/dev',
      kind: 'event',
    });
    return [drops('rx', 3), drops('tx', 11)];
  });
}

/** The one counter that a drop by src_valid_mark, or of a packet with an own address as source, moves. The kernel has one for all namespaces. */
function martianSources(text: string): Counter[] {
  const value = columnSums(text).get('in_martian_src');
  return value === undefined ? [] : [{ name: 'in_martian_src', value, source: '/proc/net/stat/rt_cache', kind: 'event', scope: 'machine' }];
}

/** Packets that connection tracking took for invalid, or had no room for. */
function conntrackLosses(text: string, [used, most]: readonly [string, string]): Counter[] {
  const sums = columnSums(text);
  const filled = /^\d+$/.test(used) && /^\d+$/.test(most) ? ` (${used} of ${most} entries used)` : '';
  return conntrackEvents.flatMap((event) => {
    const value = sums.get(event);
    return value === undefined
      ? []
      : [{ name: `conntrack ${event}`, value, source: `/proc/net/stat/nf_conntrack${filled}`, kind: 'event' as const }];
  });
}

/** Files of /proc/net/stat: a line of names, then for each processor a line of hexadecimal numbers. */
export function columnSums(text: string): ReadonlyMap<string, number> {
  const [head = [], ...rows] = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([first]) => first !== '');
  const sound = rows.filter((row) => row.length === head.length && row.every((cell) => /^[0-9a-f]{1,12}$/i.test(cell)));
  if (sound.length === 0) return new Map();
  return new Map(head.map((name, column) => [name, sound.reduce((sum, row) => sum + Number.parseInt(row[column] ?? '0', 16), 0)]));
}
