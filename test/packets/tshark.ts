import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const quiet = [
  'ip.defragment',
  'ipv6.defragment',
  'tcp.desegment_tcp_streams',
  'tcp.relative_sequence_numbers',
  'tcp.analyze_sequence_numbers',
];

/** What tshark says of each frame of a capture: for each field, its values in the order of the frame's layers. */
export function tshark<F extends string>(file: Uint8Array, fields: readonly F[]): Record<F, string[]>[] {
  const directory = mkdtempSync(join(tmpdir(), 'tpdoctor-tshark-'));
  try {
    const path = join(directory, 'capture');
    writeFileSync(path, file);
    const preferences = quiet.flatMap((name) => ['-o', `${name}:FALSE`]);
    const format = [
      '-T',
      'fields',
      '-E',
      'separator=/t',
      '-E',
      'occurrence=a',
      '-E',
      'aggregator=;',
      ...fields.flatMap((field) => ['-e', field]),
    ];
    const text = execFileSync('tshark', ['-n', '-r', path, ...preferences, ...format], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 28,
    });
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => valuesOf(line, fields));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function valuesOf<F extends string>(line: string, fields: readonly F[]): Record<F, string[]> {
  const columns = line.split('\t');
  const values = fields.map((field, index) => [field, (columns[index] ?? '').split(';').filter((value) => value !== '')]);
  return Object.fromEntries(values) as Record<F, string[]>;
}
