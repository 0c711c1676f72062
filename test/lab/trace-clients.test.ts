import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/types.js';
import { captureOn, diagnosed, traceProcess } from './doctor.js';
import { inLab } from './in-lab.js';
import type { Change } from './lab.js';

/*
 * One client of two loses what it asks, while all goes well for the other.
 */

interface Hidden {
  cause: string;
  host: string;
  changes: readonly Change[];
  end: string;
  /** How many of eight requests, two to each upstream. */
  lost: number;
}

const [lucky, unlucky] = ['192.168.99.50', '192.168.99.51'];

const hidden: readonly Hidden[] = [
  {
    cause: 'upstream/firewall-drops-request',
    host: 'dev2',
    changes: [{ host: 'dev2', run: `iptables-nft -A INPUT -s ${unlucky} -p tcp --dport 80 -j DROP` }],
    end: 'vanished after dev2 eth0',
    lost: 2,
  },
  {
    cause: 'upstream/reply-bypasses-proxy',
    host: 'dev3',
    changes: [{ host: 'dev3', run: `ip route add ${unlucky}/32 via 172.16.0.2` }],
    end: 'misdelivered',
    lost: 2,
  },
  {
    cause: 'proxy/mark-rule-mismatch',
    host: 'proxy',
    changes: [
      {
        host: 'proxy',
        run: `iptables-nft -t mangle -I PREROUTING -p tcp -s 172.16.0.0/24 -d ${unlucky} --sport 80 -j ACCEPT`,
      },
    ],
    end: 'misdelivered',
    lost: 8,
  },
];

/** How many requests failed how. Patterns are of no client, but each shows one of its own. */
function failuresOf({ trace }: Report): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { path, end, vanishedAfter, count } of trace?.patterns ?? []) {
    if (end === 'delivered') continue;
    const client = path.find(({ leg }) => leg === 'request')?.src.replace(/:\d+$/, '');
    const where = vanishedAfter ? ` after ${vanishedAfter.host} ${vanishedAfter.iface}` : '';
    const key = `${client} ${end}${where}`;
    ends.set(key, (ends.get(key) ?? 0) + count);
  }
  return ends;
}

describe('the losses of one client', () => {
  it.each(hidden)('are not hidden by what goes well for others: $cause', ({ cause, host, changes, end, lost }) =>
    inLab({ changes, withGateway: true }, async (lab) => {
      const running = traceProcess(lab, ['--port', '80', '--duration', '60']);
      await captureOn(lab);
      // Each client meets each upstream twice, as nginx takes them in turn. Paths differ, so that content tells which request nginx passed on.
      const four = (from: string, turn: number) =>
        `for n in 1 2 3 4; do curl -s -o /dev/null -m 2 --interface ${from} http://192.168.99.10/${turn}-$n || true; done`;
      for (const turn of [1, 2]) for (const from of [lucky, unlucky]) await lab.must('client', four(from, turn));
      running.kill('SIGINT');
      const { exitCode, stdout } = await running;
      const report = JSON.parse(stdout) as Report;
      expect(diagnosed(report)).toEqual([`fault ${cause} on ${host}`]);
      expect({ exitCode, certainty: report.diagnoses[0]?.certainty }).toEqual({ exitCode: 1, certainty: 'proven' });
      expect(failuresOf(report)).toEqual(new Map([[`${unlucky} ${end}`, lost]]));
      expect(report.trace?.transactions).toEqual({ total: 16, complete: 16 - lost, failed: lost, ambiguous: 0 });
    }),
  );
});
