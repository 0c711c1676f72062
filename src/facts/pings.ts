import { setImmediate } from 'node:timers/promises';
import { isAddress } from '../net/address.js';
import type { Fact, Host, Ping } from '../types.js';
import { known } from './fact.js';

/** What to ping: an address or a name, or an address from one of the host's own. */
export type PingTarget = string | { to: string; from?: string };

/** An address, or a host name (RFC 1123) that the user gave; never an option. */
function isDestination(text: string): boolean {
  return isAddress(text) || /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(text);
}

/**
 * Pings pairs of words, source address (or nothing) and destination, all side by side, and prints `== CODE DESTINATION SOURCE` above what each
 * said. The destinations are data, the program is constant. Only a name can take longer than the second that an answer has.
 */
const program = (limit: '' | 'timeout 3 '): string =>
  [
    `probe() { ${limit}ping -n -q -c 1 -W 1 "$@" 2>&1 </dev/null; }`,
    `one() { said=$(probe \${1:+-I "$1"} "$2"); printf '== %s %s %s\\n%s\\n' "$?" "$2" "$1" "$said"; }`,
    'while [ "$#" -gt 1 ]; do one "$1" "$2" & shift 2; done',
    'wait',
  ].join('; ');

/** One echo request to each address, with a second to answer. A failed ping alone proves nothing: many hosts do not answer. */
export async function ask(host: Host, targets: readonly PingTarget[]): Promise<Fact<readonly Ping[]>> {
  const sound = targets
    .map((target) => (typeof target === 'string' ? { to: target } : target))
    .filter(({ to, from }: { to: string; from?: string }) => isDestination(to) && (from === undefined || isAddress(from)));
  if (sound.length === 0) return known([]);
  // Behind other questions of this tick, a ping without answer would hold them up.
  await setImmediate();
  const limit = sound.every(({ to }) => isAddress(to)) ? '' : 'timeout 3 ';
  const words = sound.flatMap(({ to, from = '' }: { to: string; from?: string }) => [from, to]);
  const reply = await host({ run: ['sh', '-c', program(limit), 'ping', ...words], timeoutMs: 5_000 });
  const said = parsePings(reply.text ?? '');
  return known(sound.map((target) => said.get(keyOf(target)) ?? { ...target, ok: false, text: reply.ok ? 'no answer' : reply.why }));
}

function keyOf({ to, from = '' }: { to: string; from?: string }): string {
  return `${to} ${from}`;
}

/** What each ping said, by destination and source. */
export function parsePings(text: string): ReadonlyMap<string, Ping> {
  const blocks = text.split(/^== /m).slice(1);
  return new Map(
    blocks.flatMap((block): [string, Ping][] => {
      const [, code, to, from, said = ''] = /^(\d{1,3}) (\S{1,253}) (\S{0,45})\n(.*)$/s.exec(block) ?? [];
      if (code === undefined || to === undefined || from === undefined) return [];
      const ok = code === '0';
      const ping = {
        to,
        ...(from === '' ? {} : { from }),
        ok,
        text: summaryOf(said) ?? (ok ? 'answered' : (said.split('\n')[0] ?? '').slice(0, 200)),
      };
      return [[`${to} ${from}`, ping]];
    }),
  );
}

/** The line of ping(8) that counts. */
export function summaryOf(text: string): string | undefined {
  const line = text.split('\n').find((line) => line.includes('packets transmitted'));
  return line?.trim().slice(0, 200);
}
