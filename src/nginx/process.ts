import type { ProcessStatus } from '../types.js';

/** When a batch of /proc files was read. */
export interface Moment {
  epochSeconds: number;
  uptimeSeconds: number;
  /** `getconf CLK_TCK`, the unit of /proc/PID/stat; 100 on every architecture that runs nginx. */
  ticksPerSecond: number;
}

/** Reads /proc/PID/status and /proc/PID/stat (proc(5)); undefined when they are not what a kernel prints. */
export function parseProcess(status: string, stat: string, moment: Moment): ProcessStatus | undefined {
  const field = (name: string): string[] => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim().split(/\s+/) ?? [];
  const [pid, parent, uid, gid] = [field('Pid')[0], field('PPid')[0], field('Uid')[1], field('Gid')[1]].map(count);
  const [effective, permitted, bounding] = ['CapEff', 'CapPrm', 'CapBnd'].map((name) => capabilities(field(name)[0]));
  const startTicks = count(afterName(stat)[19]);
  if (pid === undefined || parent === undefined || uid === undefined || gid === undefined || startTicks === undefined) return undefined;
  if (effective === undefined || permitted === undefined || bounding === undefined) return undefined;
  return {
    pid,
    parent,
    uid,
    gid,
    effectiveCapabilities: effective,
    permittedCapabilities: permitted,
    boundingCapabilities: bounding,
    noNewPrivileges: field('NoNewPrivs')[0] === '1',
    startedAt: moment.epochSeconds - (moment.uptimeSeconds - startTicks / moment.ticksPerSecond),
  };
}

/** The fields of /proc/PID/stat from the third on; the second is a name in parentheses that may itself hold any character. */
function afterName(stat: string): string[] {
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function capabilities(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{1,16}$/i.test(text) ? text.toLowerCase() : undefined;
}
