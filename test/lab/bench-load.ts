import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/types.js';
import { client, proxy, upstreams } from './article.js';
import { captureOn } from './doctor.js';
import type { Lab } from './lab.js';
import { ask, forwardInKernel, outputOf } from './load.js';

const program = fileURLToPath(new URL('../../../bin/tpdoctor', import.meta.url));
const [upstream] = upstreams;
const points = [
  [client.name, 'eth0'],
  [proxy.name, 'eth0'],
  [proxy.name, 'eth1'],
  [upstream?.name ?? '', 'eth0'],
] as const;
/** Captures run this much longer than the traffic, in seconds: they must have begun before it, and what came last is still to be handed over. */
const margin = 8;

interface Measured {
  packets: number[];
  /** `?`: it was killed before it told, as it had more to hand over than there was time for. */
  dropped: (number | '?')[];
  /** User and system time of all processes that captured, in seconds. */
  cpu: number;
}

/** Prints what a trace over four points and, beside it, tcpdump alone dropped at growing rates, until both dropped something. */
export async function measureLoad(lab: Lab): Promise<void> {
  const stop = await forwardInKernel(lab);
  try {
    for (const [rate, seconds] of [
      [20_000, 30],
      [40_000, 10],
      [80_000, 10],
      [160_000, 10],
    ] as const) {
      const traced = await underLoad(lab, rate, seconds, () => trace(lab, seconds + margin));
      tell('trace', rate, traced);
      const dumped = await underLoad(lab, rate, seconds, () => dump(lab, seconds + margin));
      tell('tcpdump -w /dev/null', rate, dumped);
      if (!isWhole(traced) && !isWhole(dumped)) break;
    }
  } finally {
    stop();
  }
}

async function underLoad(lab: Lab, rate: number, seconds: number, capture: () => Promise<Measured>): Promise<Measured & { sent: number }> {
  const measured = capture();
  await captureOn({ must: lab.must.bind(lab), hosts: lab.hosts.filter(({ name }) => points.some(([host]) => host === name)) });
  // Of a request and its answer every point sees two packets.
  const sent = await ask(lab, { requestsPerSecond: rate / 2, seconds });
  return { ...(await measured), sent };
}

/** What the shell says that its children took (POSIX `times`): of user and system time, each in minutes and seconds. */
function cpuOf(text: string): number {
  const times = [...text.matchAll(/(\d+)m([\d.]+)s/g)].slice(-2);
  return times.reduce((seconds, [, minutes, rest]) => seconds + 60 * Number(minutes) + Number(rest), 0);
}

async function trace(lab: Lab, seconds: number): Promise<Measured> {
  const hosts = [...new Set(points.map(([host]) => host))].flatMap((host) => ['--host', `${host}=netns:${lab.namespaceOf(host)}`]);
  const command = [
    process.execPath,
    program,
    'trace',
    '--json',
    '--port',
    '53',
    '--protocol',
    'udp',
    '--duration',
    String(seconds),
    ...hosts,
  ];
  const child = spawn('bash', ['-c', '"$@"; times >&2', 'bash', ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([outputOf(child), outputOf(child, 'stderr')]);
  const { trace: seen } = JSON.parse(out) as Report;
  const counts = points.map(([host, iface]) => seen?.points.find((point) => point.host === host && point.iface === iface));
  console.log(`${''.padStart(10)}transactions: ${JSON.stringify(seen?.transactions)}`);
  const dropped = counts.map((point) => (point === undefined || point.partial !== undefined ? '?' : point.dropped));
  return { packets: counts.map((point) => point?.packets ?? 0), dropped, cpu: cpuOf(err) };
}

async function dump(lab: Lab, seconds: number): Promise<Measured> {
  const each = points.map(
    ([host, iface]) =>
      `nsenter --net=/run/netns/${lab.namespaceOf(host)} timeout -s INT ${seconds} tcpdump -pn -i ${iface} -s 384 -B 32768 -w /dev/null udp port 53 2>&1`,
  );
  const child = spawn('bash', ['-c', `${each.map((command, n) => `{ ${command} | sed 's/^/${n} /'; } & `).join('')} wait; times`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const text = await outputOf(child);
  const countOf = (what: string) =>
    points.map((_, n) => Number(new RegExp(`^${n} (\\d+) packets? ${what}`, 'm').exec(text)?.[1] ?? Number.NaN));
  return { packets: countOf('captured'), dropped: countOf('dropped by kernel'), cpu: cpuOf(text) };
}

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
const isWhole = ({ dropped }: Measured): boolean => dropped.every((count) => count === 0);

function tell(what: string, rate: number, { sent, packets, dropped, cpu }: Measured & { sent: number }): void {
  const perMillion = ((cpu / sum(packets)) * 1e6).toFixed(1);
  console.log(
    `${String(rate).padStart(8)}  packets a second at each of four points, by ${what}: ${sent} requests, so ${2 * sent} packets;`,
  );
  console.log(
    `${''.padStart(10)}captured ${packets.join(', ')}; dropped ${dropped.join(', ')}; ${perMillion} s of CPU time per million packets`,
  );
}
