import { combine, inTurn } from '../cures/combine.js';
import { rewriteReplies } from '../cures/rewrite-replies.js';
import type { Case, Cure, Snapshot, Walk } from '../types.js';
import { type Broken, brokenBy, distinct, groupBy } from './broken.js';
import { misfits, type Passing, passingOf, type Rewrite, removeRewrites, rewriteEvidence, rewritesOn } from './rewrites.js';

/** A rewrite that was meant for a DSR reply but leaves it as it is. */
export interface Misfitting {
  host: string;
  rewrite: Rewrite;
  kind: 'address' | 'port' | 'interface' | 'stateful';
}

/** The rewrite on a reply's way that fits it in all but one respect, and serves no other reply. */
export function findMisfit(c: Case, { walk }: Broken): Misfitting | undefined {
  const hosts = distinct(walk.steps.filter((step) => step.leg === 'reply').map((step) => step.host));
  for (const host of hosts) {
    const passing = passingOf(walk, host);
    if (!passing) continue;
    for (const rewrite of rewritesOn(c.snapshots.get(host))) {
      const [only, ...others] = misfits(rewrite, passing);
      if (others.length > 0 || only === 'other') continue;
      const stateful = rewrite.by === 'rule' && rewrite.action === 'nat';
      if (stateful && only === undefined && namesPort(rewrite)) return { host, rewrite, kind: 'stateful' };
      if (!stateful && only !== undefined && !servesAny(c, host, rewrite)) return { host, rewrite, kind: only };
    }
  }
  return undefined;
}

/** A nat rule for one protocol or port was written for these replies; one for all traffic of a subnet was not. */
export function namesPort({ rule }: Rewrite & { by: 'rule' }): boolean {
  return rule.steps.some((step) => 'match' in step && step.match === 'port' && !step.not && step.side !== 'destination');
}

/** Whether a rewrite takes the replies of any walk, or would take those of an upstream that sends none now. */
function servesAny(c: Case, host: string, rewrite: Rewrite): boolean {
  const dsr = c.walks.filter((walk) => walk.service.mode.startsWith('dsr'));
  return dsr.some((walk: Walk) => {
    const silent = !walk.steps.some((step) => step.leg === 'reply');
    const passing = silent ? standIn(dsr, walk, host) : passingOf(walk, host);
    return passing !== undefined && misfits(rewrite, passing).length === 0;
  });
}

/** How a reply would pass a host if it went like that of another upstream of its service. */
function standIn(walks: readonly Walk[], { service, client, upstream }: Walk, host: string): Passing | undefined {
  const peers = walks.filter((walk) => walk.service.id === service.id && walk.client === client);
  const passing = peers.flatMap((walk) => passingOf(walk, host) ?? [])[0];
  return passing && upstream.address !== undefined ? { ...passing, packet: { ...passing.packet, source: upstream.address } } : undefined;
}

export interface Misfitted extends Broken {
  misfit: Misfitting;
}

/** Replies that reach their client unchanged because of one kind of misfit, by the host where the rewrite sits. */
export function misfittedReplies(c: Case, kind: Misfitting['kind']): Map<string, Misfitted[]> {
  const found = brokenBy(c, 'not-rewritten').flatMap((broken): Misfitted[] => {
    const misfit = findMisfit(c, broken);
    return misfit?.kind === kind ? [{ ...broken, misfit }] : [];
  });
  return groupBy(found, ({ misfit }) => misfit.host);
}

/** The rewrites that are to blame, each once, as evidence. */
export function misfitEvidence(broken: readonly Misfitted[]) {
  return distinct(broken.map(({ misfit }) => misfit.rewrite)).map((rewrite) => rewriteEvidence(broken[0]?.misfit.host ?? '', rewrite));
}

/** The right rewrite in the place of the wrong one; beside it where that cannot be taken away. */
export function replacing(c: Case, host: string, broken: readonly Broken[], wrong: readonly Rewrite[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const groups = [...groupBy(broken, ({ walk }) => `${walk.service.id} ${walk.vip}`).values()];
  const right = inTurn(
    snapshot,
    groups.map((group) => (now) => rewritingAll(now, group)[0]),
  );
  if (!right) return [];
  const removal = removeRewrites(snapshot, wrong, 'this rule does not do what these replies need');
  return [...(removal ? [combine(host, [removal, right])] : []), right];
}

/** The rewrite that the replies of one service need on a host, for all upstreams that are like those of the broken paths. */
export function rewritingAll(snapshot: Snapshot, broken: readonly Broken[], port = broken[0]?.walk.upstream.port): Cure[] {
  const [first] = broken;
  const { walk } = first ?? {};
  const leaving = walk?.steps.findLast((step) => step.leg === 'reply' && step.host === snapshot.host && step.out !== undefined);
  if (walk?.vip === undefined || port === undefined || !leaving) return [];
  const originated = walk.steps.find((step) => step.leg === 'reply')?.host === snapshot.host;
  const alike = walk.service.upstreams.filter((other) => other.family === walk.upstream.family && other.port === walk.upstream.port);
  const named = originated ? broken.map((item) => item.walk.upstream) : alike;
  const sources = distinct(named.flatMap(({ address }) => address ?? []));
  return rewriteReplies(snapshot, { sources, port, vip: walk.vip, where: originated ? 'originated' : 'forwarded', link: leaving.out });
}
