import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { trafficFiles } from '../kit/traffic.js';
import { compare, node } from './measure.js';

const program = fileURLToPath(new URL('../../../bin/tpdoctor', import.meta.url));
const readCapture = fileURLToPath(new URL('./read-capture.js', import.meta.url));
/** Tells the most memory that a process had, in kilobytes, when it ends. */
const tellMemory = 'data:text/javascript,process.on("exit",()=>process.stderr.write(`\\nrss ${process.resourceUsage().maxRSS}`))';
const fields = ['frame.time_epoch', 'ip.src', 'ip.dst', 'udp.srcport', 'udp.dstport', 'ip.id', 'dns.id'];

/** Capture files of four points, so and so many packets each, against what else reads such files. */
export function compareCaptures(): void {
  withTraffic(1_000_000, (files, arguments_) => {
    const [file = ''] = files;
    compare(
      'reading and decoding 2,000,000 packets : tcpdump -r FILE -w /dev/null',
      () => node(readCapture, file),
      () => run('tcpdump', '-r', file, '-w', '/dev/null'),
    );
    compare(
      'trace of four points, 2,000,000 packets each : tcpdump -r FILE -w /dev/null over the four files',
      () => node(program, ...arguments_),
      () => files.map((each) => run('tcpdump', '-r', each, '-w', '/dev/null')),
      5,
    );
    compare(
      'the same : tshark -T fields over the four files',
      () => node(program, ...arguments_),
      () => files.map((each) => run('tshark', '-n', '-r', each, '-T', 'fields', ...fields.flatMap((field) => ['-e', field]))),
      1,
    );
    tellMost('2,000,000', arguments_);
  });
  withTraffic(100_000, (_, arguments_) => tellMost('200,000', arguments_));
}

function withTraffic(transactions: number, use: (files: readonly string[], arguments_: readonly string[]) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'tpdoctor-bench-'));
  try {
    const { paths, points } = trafficFiles({ transactions }, directory);
    use(paths, ['trace', '--json', '--port', '53', ...paths.flatMap((path, index) => ['--read', `${points[index]?.host}=${path}`])]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function tellMost(packets: string, arguments_: readonly string[]): void {
  const kilobytes = Number(/rss (\d+)$/.exec(node('--import', tellMemory, program, ...arguments_))?.[1]);
  console.log(`${(kilobytes / 1024).toFixed(0).padStart(8)}  MiB of memory at most, tracing four points of ${packets} packets each`);
}

function run(command: string, ...args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `exit code ${status}`}`);
}
