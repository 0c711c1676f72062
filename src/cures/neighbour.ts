import type { Cure, Neighbour, Snapshot } from '../types.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** Takes an entry of the neighbour table away, so that the kernel asks the link again. */
export function dropNeighbour(snapshot: Snapshot, { address, link, mac, states }: Neighbour, why: string): Cure {
  const words = [address, 'dev', link];
  const undo =
    mac === undefined
      ? {}
      : { undo: commandLine('ip', 'neighbour', 'replace', ...words, 'lladdr', mac, 'nud', states[0]?.toLowerCase() ?? 'permanent') };
  return {
    host: snapshot.host,
    steps: [
      {
        host: snapshot.host,
        kind: 'command',
        run: commandLine('ip', 'neighbour', 'del', ...words),
        ...undo,
        persist: 'take it out of what sets it at boot: a unit, a post-up line, /etc/ethers',
        why,
      },
    ],
    apply: (before) =>
      withFact(before, 'neighbours', (neighbours) => neighbours.filter((entry) => entry.address !== address || entry.link !== link)),
  };
}
