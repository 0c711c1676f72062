import type { Piece } from '../../cures/piece.js';
import { sysctl } from '../../path/sysctls.js';
import { walk } from '../../path/walk.js';
import { factOf, type Snapshots } from '../../path/world.js';
import type { Case, Snapshot, Upstream, Walk } from '../../types.js';
import { without } from './lost.js';

/** Each piece costs a prediction of each flow: more of either than anybody would read is not tried. */
const mostPieces = 60;
const mostFlows = 100;

export interface Needed {
  lost: Piece;
  /** The walks that break without it. */
  walks: readonly Walk[];
}

/** Which of the pieces that a host would lose its services need: those without which a path that is whole now breaks. */
export function neededOf(c: Case, host: string, pieces: readonly Piece[]): Needed[] {
  const tried = pieces.slice(0, mostPieces);
  const all = breaking(c, host, tried, examples(c));
  const alone = tried.map((lost) => ({ lost, walks: breaking(c, host, [lost], all) })).filter(({ walks }) => walks.length > 0);
  if (all.length === 0) return [];
  // Two pieces of which either would do are needed together.
  return alone.length > 0 ? alone : tried.map((lost) => ({ lost, walks: all }));
}

/** One whole walk for each service, upstream and family of client: other clients fare alike. */
function examples(c: Case): Walk[] {
  const whole = c.walks.filter(({ end }) => end === 'whole');
  const key = ({ service, upstream, client }: Walk) => `${service.id} ${upstream.address} ${client.includes(':')}`;
  return [...new Map(whole.toReversed().map((each) => [key(each), each])).values()].slice(0, mostFlows);
}

function breaking(c: Case, host: string, pieces: readonly Piece[], walks: readonly Walk[]): Walk[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot || pieces.length === 0) return [];
  const after = pieces.reduce(without, snapshot);
  const snapshots = new Map(c.snapshots).set(host, after);
  return walks.filter((each) => isBroken(snapshots, each) || losesToEarlyDemux(each, host, snapshot, after));
}

function isBroken(snapshots: Snapshots, { service, client, clientAssumed, upstream }: Walk): boolean {
  return hasAddress(upstream) && walk(snapshots, service, { address: client, assumed: clientAssumed }, upstream).end === 'broken';
}

function hasAddress(upstream: Upstream): upstream is Upstream & { address: string } {
  return upstream.address !== undefined;
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
