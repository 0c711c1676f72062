import { setImmediate } from 'node:timers/promises';
import { isAddress } from '../net/address.js';
import type { Fact, Host, Ping } from '../types.js';
import { known } from './fact.js';

/** As many run side by side: each waits up to a second for its answer. */
const mostAtOnce = 8;

/** What to ping: an address or a name, or an address from one of the host's own. */
export type PingTarget = string | { to: string; from?: string };

/** An address, or a host name (RFC 1123) that the user gave; never an option. */
function isDestination(text: string): boolean {
  return isAddress(text) || /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(text);
}

/** One echo request to each address, with a second to answer. A failed ping alone proves nothing: many hosts do not answer. */
export async function ask(host: Host, targets: readonly PingTarget[]): Promise<Fact<readonly Ping[]>> {
  const sound = targets
    .map((target) => (typeof target === 'string' ? { to: target } : target))
    .filter(({ to, from }: { to: string; from?: string }) => isDestination(to) && (from === undefined || isAddress(from)));
  const pings: Ping[] = [];
  for (let i = 0; i < sound.length; i += mostAtOnce) {
    pings.push(...(await Promise.all(sound.slice(i, i + mostAtOnce).map((target, turn) => ping(host, target, turn)))));
  }
  return known(pings);
}

/** Queries of one tick are answered one after another, so each ping takes a tick of its own. */
async function ping(host: Host, { to, from }: { to: string; from?: string }, turn: number): Promise<Ping> {
  for (let i = 0; i < 2 * turn; i++) await setImmediate();
  const source = from === undefined ? [] : ['-I', from];
  const reply = await host({ run: ['ping', '-n', '-q', '-c', '1', '-W', '1', ...source, to], timeoutMs: 3_000 });
  return {
    to,
    ...(from === undefined ? {} : { from }),
    ok: reply.ok,
    text: summaryOf(reply.text ?? '') ?? (reply.ok ? 'answered' : reply.why),
  };
}

/** The line of ping(8) that counts. */
export function summaryOf(text: string): string | undefined {
  const line = text.split('\n').find((line) => line.includes('packets transmitted'));
  return line?.trim().slice(0, 200);
}
