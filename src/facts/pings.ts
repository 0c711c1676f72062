import type { Fact, Host, Ping } from '../types.js';
import { known } from './fact.js';

/** One echo request to each address, with a second to answer. A failed ping alone proves nothing: many hosts do not answer. */
export async function ask(host: Host, addresses: readonly string[]): Promise<Fact<readonly Ping[]>> {
  return known(
    await Promise.all(
      addresses.map(async (to): Promise<Ping> => {
        const reply = await host({ run: ['ping', '-n', '-q', '-c', '1', '-W', '1', to], timeoutMs: 3_000 });
        return { to, ok: reply.ok, text: reply.ok ? summaryOf(reply.text) : reply.why };
      }),
    ),
  );
}

/** The line of ping(8) that counts. */
function summaryOf(text: string): string {
  return (
    text
      .split('\n')
      .find((line) => line.includes('packets transmitted'))
      ?.trim() ?? 'answered'
  );
}
