import { z } from 'zod';
import type { Fact, Host, Neighbour } from '../types.js';
import { fromReply } from './fact.js';
import { parseList } from './iproute.js';

export async function read(host: Host): Promise<Fact<readonly Neighbour[]>> {
  return fromReply(await host({ run: ['ip', '-j', 'neighbour', 'show'] }), 'neighbours', parseNeighbours);
}

const entry = z.object({ dst: z.string(), dev: z.string(), lladdr: z.string().optional(), state: z.array(z.string()).default([]) });

/** Output of `ip -j neighbour show`. */
export function parseNeighbours(text: string): Neighbour[] {
  return parseList(text, entry).map(({ dst, dev, lladdr, state }) => ({
    address: dst,
    link: dev,
    ...(lladdr === undefined ? {} : { mac: lladdr }),
    states: state,
  }));
}
