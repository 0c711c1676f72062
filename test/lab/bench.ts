import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCase } from '../../src/engine/case.js';
import { parseIptablesSave } from '../../src/facts/netfilter/iptables-save.js';
import { evaluate } from '../../src/path/firewall.js';
import type { Packet, Query } from '../../src/types.js';
import { articleSnapshots, client, upstreams } from '../kit/article.js';
import { setIptables } from '../kit/change.js';
import { compareCaptures } from './bench-captures.js';
import { measureLoad } from './bench-load.js';
import { type Lab, raiseLab } from './lab.js';
import { compare, node } from './measure.js';

const program = fileURLToPath(new URL('../../../bin/tpdoctor', import.meta.url));

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** What a check asked a host, as the commands that a person would type for it: files by cat, patterns by ls, searches by grep. */
function commandsOf(recording: string): string[] {
  const recorded = JSON.parse(readFileSync(recording, 'utf8')) as Record<string, { query: Query }[]>;
  const queries = new Map(
    Object.values(recorded)
      .flat()
      .map(({ query }) => [JSON.stringify(query), query]),
  );
  return [...queries.values()].map((query) => {
    if ('run' in query) return query.run.map(quote).join(' ');
    if ('read' in query) return query.lastBytes ? `tail -c ${query.lastBytes} ${quote(query.read)}` : `cat ${quote(query.read)}`;
    return 'glob' in query ? `ls -d ${query.glob}` : `grep -H ${quote(query.grep)} ${query.in}`;
  });
}

/** One shell, as a person has one open on each host. */
function typeIn(namespace: string, commands: readonly string[]): void {
  spawnSync('nsenter', [`--net=/run/netns/${namespace}`, '--', 'sh'], { input: commands.join('\n'), stdio: ['pipe', 'ignore', 'ignore'] });
}

function compareChecks(lab: Lab): void {
  const proxy = ['--host', `proxy=netns:${lab.namespaceOf('proxy')}`];
  const recording = join(lab.dir, 'recording.json');
  node(program, 'check', '--json', ...proxy, '--record', recording);
  const commands = commandsOf(recording);
  compare(
    `check of one host : its ${commands.length} commands, typed into one shell`,
    () => node(program, 'check', '--json', ...proxy),
    () => typeIn(lab.namespaceOf('proxy'), commands),
  );
  const entered = commands.map((command) => `nsenter --net=/run/netns/${lab.namespaceOf('proxy')} -- ${command}`);
  compare(
    'check of one host : the same commands, each entering the namespace by itself',
    () => node(program, 'check', '--json', ...proxy),
    () => spawnSync('sh', { input: entered.join('\n'), stdio: ['pipe', 'ignore', 'ignore'] }),
  );
  compare(
    'check of six hosts : check of one',
    () => node(program, 'check', '--json', ...lab.hostArguments()),
    () => node(program, 'check', '--json', ...proxy),
  );
}

function compareFirewall(): void {
  const lines = Array.from(
    { length: 1000 },
    (_, index) => `-A INPUT -s 10.${index >> 8}.${index & 255}.0/24 -p tcp -m tcp --dport ${index + 1} -j DROP`,
  );
  const tables = parseIptablesSave(`*filter\n:INPUT ACCEPT [0:0]\n${lines.join('\n')}\nCOMMIT\n`, { source: 'iptables-nft', family: 4 });
  const text = JSON.stringify(tables);
  const packet: Packet = {
    family: 4,
    protocol: 6,
    source: '192.0.2.1',
    destination: '192.0.2.2',
    sourcePort: 40_000,
    destinationPort: 80,
    mark: 0,
  };
  const context = { state: 'new', socket: 'none', firstOfConnection: true, addressType: () => undefined } as const;
  compare(
    'a packet through 1,000 rules : JSON.parse of these rules',
    () => evaluate(tables, 'input', packet, context),
    () => JSON.parse(text),
  );
}

/** One client, nginx and four upstreams, each with as many rules in INPUT: all walks of all services. */
function comparePrediction(): void {
  const lines = Array.from(
    { length: 1000 },
    (_, index) => `-A INPUT -s 10.${index >> 8}.${index & 255}.0/24 -p tcp --dport ${index + 1} -j DROP`,
  );
  const snapshots = articleSnapshots(['client', 'proxy', ...upstreams].map((host) => setIptables(host, 'filter', lines)));
  const text = JSON.stringify([...snapshots.values()]);
  const { walks } = buildCase(snapshots, { clients: [client], roles: new Map() });
  compare(
    `${walks.length} walks over ${snapshots.size} hosts with 1,000 rules each : JSON.parse of their snapshots`,
    () => buildCase(snapshots, { clients: [client], roles: new Map() }),
    () => JSON.parse(text),
  );
}

const lab = await raiseLab();
try {
  compare(
    'tpdoctor --help : node -e 0',
    () => node(program, '--help'),
    () => node('-e', '0'),
  );
  compareChecks(lab);
  await measureLoad(lab);
  compareFirewall();
  comparePrediction();
} finally {
  await lab.remove();
}
compareCaptures();
