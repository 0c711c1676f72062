import type { ErrorKind, ErrorLogLine, Facts, NginxMaster, SeenClient } from '../types.js';
import type { Opinion } from './hits.js';

/** Seconds: log lines have whole seconds, and half a second is allowed for clocks. */
const tolerance = 1.5;
/** Seconds within which a line still speaks about the present. */
const freshFor = 60;

/** Lines written after the oldest running worker of their master started; earlier ones belong to an older configuration. */
export function linesSinceStart({ nginx, nginxErrors }: Pick<Facts, 'nginx' | 'nginxErrors'>, kinds: readonly ErrorKind[]): ErrorLogLine[] {
  return nginxErrors.filter((line) => {
    const master = nginx.masters.find(({ pid }) => pid === line.master);
    return master !== undefined && kinds.includes(line.kind) && line.at + tolerance > startOf(master);
  });
}

/** Clients seen since the youngest master's oldest worker started; what a log gives no time for counts. */
export function clientsSinceStart({ nginx, nginxClients }: Pick<Facts, 'nginx' | 'nginxClients'>): SeenClient[] {
  const started = Math.max(0, ...nginx.masters.map(startOf));
  return nginxClients.filter(({ at }) => at === undefined || at + tolerance > started);
}

/** When the oldest running worker started, or the master where there is none: seconds since the epoch. */
export function startOf({ workers, startedAt }: NginxMaster): number {
  return workers.length > 0 ? Math.min(...workers.map((worker) => worker.startedAt)) : startedAt;
}

/**
 * What lines of some kinds say: `bad` while the newest is at most a minute old, else a warning, for what they complain of may be
 * mended since. `subject` goes on "N times since the workers started: …".
 */
export function logOpinion(
  facts: Pick<Facts, 'nginx' | 'nginxErrors' | 'clock'>,
  { kinds, bad, subject, host }: { kinds: readonly ErrorKind[]; bad: 'fail' | 'warn'; subject: string; host: string },
): Opinion {
  const lines = linesSinceStart(facts, kinds);
  const newest = lines.reduce<ErrorLogLine | undefined>((a, b) => (a && a.at > b.at ? a : b), undefined);
  if (!newest) return { status: 'pass', message: `none since the workers started` };
  const fresh = facts.clock.epochSeconds - newest.at <= freshFor;
  const { file, line } = newest.source;
  return {
    status: fresh ? bad : 'warn',
    message: `${lines.length}× ${subject}${fresh ? '' : ', none in the last minute'}`,
    evidence: [{ host, what: newest.text, source: line === undefined ? file : `${file}:${line}` }],
  };
}
