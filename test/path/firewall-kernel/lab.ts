import { execFileSync, spawnSync } from 'node:child_process';
import type { Packet } from '../../../src/types.js';

/** Two namespaces joined by a veth pair: one sends, the other has the rules and records what came through. */
export interface Lab {
  /** Runs a program where the rules are. */
  run(command: readonly string[], input?: string): string;
  /** Sends one datagram or SYN for each packet and tells which of them passed the input hook, with which mark. */
  send(packets: readonly Packet[]): Map<Packet, number>;
  reset(): void;
  remove(): void;
}

export const senders = ['10.77.0.1', '10.77.0.2', '10.77.0.5', '10.77.0.9'] as const;
export const receivers = ['10.77.0.65', '10.77.0.66'] as const;
export const inLink = 'veth-in';

/** Marks that the rules of a test can produce. */
const marks = [0, 1, 2, 3, 4, 5, 6, 7];

/** Runs last at input (behind every firewall table) and remembers each packet in the set of its mark: nft 1.0.6 cannot print a key that has a part 0. */
const recorder = `
table ip recorder {
${marks.map((mark) => `  set seen${mark} { type ipv4_addr . inet_service . ipv4_addr . inet_service . inet_proto; flags dynamic; size 4096; }`).join('\n')}
  chain last {
    type filter hook input priority 1000;
${marks.map((mark) => `    ip saddr 10.77.0.0/26 meta mark ${mark} update @seen${mark} { ip saddr . th sport . ip daddr . th dport . meta l4proto }`).join('\n')}
  }
}`;

const sender = `
const [dgram, net] = [require('node:dgram'), require('node:net')];
const jobs = JSON.parse(process.argv[1]).map((p) => new Promise((done) => {
  if (p.protocol === 17) {
    const socket = dgram.createSocket('udp4');
    socket.on('error', () => done(false));
    socket.bind(p.sourcePort, p.source, () => socket.send('x', p.destinationPort, p.destination, () => socket.close(() => done(true))));
  } else {
    const socket = net.connect({ host: p.destination, port: p.destinationPort, localAddress: p.source, localPort: p.sourcePort });
    const end = () => { socket.destroy(); done(true); };
    socket.on('error', end);
    socket.setTimeout(60, end);
  }
}));
Promise.all(jobs).then((sent) => process.exit(sent.every(Boolean) ? 0 : 1));
`;

export function createLab(): Lab {
  const [from, to] = [`fwa${process.pid}`, `fwb${process.pid}`];
  const ip = (...args: string[]) => execFileSync('ip', args);
  for (const name of [from, to]) ip('netns', 'add', name);
  ip('-n', from, 'link', 'add', 'veth-out', 'type', 'veth', 'peer', 'name', inLink, 'netns', to);
  for (const address of senders) ip('-n', from, 'address', 'add', `${address}/24`, 'dev', 'veth-out');
  for (const address of receivers) ip('-n', to, 'address', 'add', `${address}/24`, 'dev', inLink);
  for (const [name, link] of [
    [from, 'veth-out'],
    [to, inLink],
    [from, 'lo'],
    [to, 'lo'],
  ] as const)
    ip('-n', name, 'link', 'set', link, 'up');
  const run = (command: readonly string[], input?: string) => {
    const result = spawnSync('ip', ['netns', 'exec', to, ...command], { encoding: 'utf8', ...(input === undefined ? {} : { input }) });
    if (result.status !== 0) throw new Error(`${command.join(' ')}: ${result.stderr}\n${input ?? ''}`);
    return result.stdout;
  };
  const reset = () => run(['nft', '-f', '-'], `flush ruleset\n${recorder}`);
  return {
    run,
    send(packets) {
      execFileSync('ip', ['netns', 'exec', from, process.execPath, '-e', sender, JSON.stringify(packets)]);
      return recorded(run(['nft', '-j', 'list', 'table', 'ip', 'recorder']), packets);
    },
    reset,
    remove() {
      for (const name of [from, to]) ip('netns', 'delete', name);
    },
  };
}

interface ListedSet {
  set?: { name: string; elem?: ({ concat: unknown[] } | { elem: { val: { concat: unknown[] } } })[] };
}

function recorded(json: string, packets: readonly Packet[]): Map<Packet, number> {
  const listed: ListedSet[] = JSON.parse(json).nftables;
  const markOf = new Map<string, number>();
  for (const { set } of listed)
    for (const element of set?.elem ?? []) {
      const { concat } = 'elem' in element ? element.elem.val : element;
      markOf.set(concat.join(' '), Number(set?.name.replace('seen', '')));
    }
  const seen = new Map<Packet, number>();
  for (const packet of packets) {
    const { source, sourcePort, destination, destinationPort, protocol } = packet;
    const mark = markOf.get([source, sourcePort, destination, destinationPort, protocol === 17 ? 'udp' : 'tcp'].join(' '));
    if (mark !== undefined) seen.set(packet, mark);
  }
  return seen;
}
