import type { Piece } from '../../cures/piece.js';
import { sysctl } from '../../path/sysctls.js';
import { predictWalks } from '../../path/walk.js';
import { factOf } from '../../path/world.js';
import type { Case, Snapshot, Walk } from '../../types.js';
import { without } from './lost.js';

/** Of many pieces that is more than anybody wants to read. */
const mostTried = 60;

export interface Needed {
  lost: Piece;
  /** The walks that break without it. */
  walks: readonly Walk[];
}

/** Which of the pieces that a host would lose its services need: those without which a path that is whole now breaks. */
export function neededOf(c: Case, host: string, pieces: readonly Piece[]): Needed[] {
  const tried = pieces.slice(0, mostTried);
  const all = breaking(c, host, tried);
  if (all.length === 0) return [];
  const alone = tried.map((lost) => ({ lost, walks: breaking(c, host, [lost]) })).filter(({ walks }) => walks.length > 0);
  // Two pieces of which either would do are needed together.
  return alone.length > 0 ? alone : tried.map((lost) => ({ lost, walks: all }));
}

function breaking(c: Case, host: string, pieces: readonly Piece[]): Walk[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot || pieces.length === 0) return [];
  const whole = c.walks.filter(({ end }) => end === 'whole');
  const after = pieces.reduce(without, snapshot);
  const clients = new Map(whole.map(({ client, clientAssumed }) => [client, { address: client, assumed: clientAssumed }]));
  const walked = predictWalks(
    new Map(c.snapshots).set(host, after),
    [...new Set(whole.map(({ service }) => service))],
    [...clients.values()],
  );
  const broken = new Set(walked.filter(({ end }) => end === 'broken').map(flow));
  return whole.filter((walk) => broken.has(flow(walk)) || losesToEarlyDemux(walk, host, snapshot, after));
}

function flow({ service, client, upstream }: Walk): string {
  return `${service.id} ${client} ${upstream.address}`;
}

/** Early demux breaks no path for good: it takes some of the replies that nginx's own host forwards. */
function losesToEarlyDemux({ service, steps }: Walk, host: string, before: Snapshot, after: Snapshot): boolean {
  const forwards = service.host === host && steps.some((step) => step.leg === 'reply' && step.host === host && step.code === 'forwarded');
  return forwards && service.mode.startsWith('dsr') && !demuxes(before) && demuxes(after);
}

function demuxes(snapshot: Snapshot): boolean {
  const sysctls = factOf(snapshot, 'sysctls') ?? {};
  return sysctl(sysctls, 'net/ipv4/ip_early_demux') > 0 && sysctl(sysctls, 'net/ipv4/udp_early_demux') > 0;
}
