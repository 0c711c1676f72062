import type { Counts, Engine, Heard } from './engine.js';
import { ringKiB } from './plan.js';

/** Each packet is handed over when it comes (`--immediate-mode`, `-U`); no promiscuous mode (`-p`), no look-up of names (`-n`). */
const always = ['-p', '-n', '-U', '--immediate-mode', '-B', String(ringKiB), '-w', '-'];

export const tcpdump: Engine = {
  name: 'tcpdump',
  command: ({ iface, snapLength, direction, filter }) => [
    'tcpdump',
    ...always,
    ...['-s', String(snapLength), '-i', iface],
    ...(direction === undefined ? [] : ['-Q', direction]),
    '--',
    filter,
  ],
  hear,
};

const count = /^(\d{1,15}) packets? (captured|received by filter|dropped by kernel|dropped by interface)$/;
const names = new Map<string, keyof Counts>([
  ['captured', 'captured'],
  ['received by filter', 'received'],
]);

/** What it, or the way to it, says that is neither a count nor a complaint. */
const chatter = /^(dropped privs to |data link type |verbose output suppressed|listening on |warning: |could not chdir to home directory)/i;

function hear(line: string): Heard {
  const text = line.trim().replace(/^tcpdump: (?:pcap_loop: )?/, '');
  const [, packets, what = ''] = count.exec(text) ?? [];
  if (packets !== undefined) return { kind: 'counts', counts: { [names.get(what) ?? 'dropped']: Number(packets) } };
  if (text.startsWith('listening on ')) return { kind: 'ready' };
  return text === '' || chatter.test(text) ? { kind: 'nothing' } : { kind: 'complaint', text };
}
