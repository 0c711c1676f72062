import { contains } from '../../src/net/prefix.js';
import { dsrReply, dsrServices, leavingStep } from '../../src/reasoning/dsr-way.js';
import { hitsFor, nameOf, type Opinion, opinionsOn } from '../../src/reasoning/hits.js';
import type { Check, Facts, Scope, TcFilter, Upstream, Walk } from '../../src/types.js';

type Control = Facts['trafficControl'];

const check: Check<'trafficControl'> = {
  title: 'tc filters that name an upstream meet its replies',
  roles: ['proxy', 'router', 'upstream'],
  needs: ['trafficControl'],
  why: 'A tc filter acts on one link, in one direction and below one parent. A rewrite of sources belongs on the egress side of the link on which the replies leave, below a qdisc that is there, with the port of the service.',
  fix: 'Move the filter to the link towards the clients, or correct its match: parent of the root qdisc, "match ip sport PORT 0xffff", "action nat egress UPSTREAM VIP".',
  run: ({ trafficControl }, scope) =>
    hitsFor(dsrServices(scope), (service) => opinionsOn(scope, service, (walk) => judge(trafficControl, scope, walk))),
};

function judge(control: Control, scope: Scope, walk: Walk): Opinion | undefined {
  const reply = dsrReply(walk);
  const meant = control.filters.filter((filter) => names(filter, walk.upstream));
  if (!reply || meant.length === 0) return undefined;
  const evidence = meant.map(({ text, link }) => ({ host: scope.host, what: text, source: `tc filter show dev ${link}` }));
  if (reply.rewriter?.host === scope.host && reply.rewriter.place === 'egress')
    return { status: 'pass', message: `replies leave on ${reply.rewriter.out ?? 'the link'} and are met there`, evidence };
  const out = leavingStep(scope, walk)?.out;
  if (reply.end.code !== 'not-rewritten' || reply.place !== scope.host || out === undefined) return undefined;
  const reasons = meant.map((filter) => whyNot(control, filter, walk.upstream, out));
  return { status: 'fail', about: nameOf(walk.upstream), message: reasons[0] ?? '', evidence };
}

/** Whether a filter rewrites addresses of an upstream. */
function names({ actions, match }: TcFilter, { address = '' }: Upstream): boolean {
  return actions.some((action) => action.kind === 'nat' && (contains(action.old, address) || contains(match?.source ?? '', address)));
}

function whyNot(control: Control, { link, parent, match, protocol, actions }: TcFilter, { port }: Upstream, out: string): string {
  if (link !== out) return `the filter sits on ${link}, while the replies leave on ${out}`;
  if (actions.some((action) => action.kind === 'nat' && action.direction === 'ingress'))
    return 'the filter turns destinations ("nat ingress"), not sources';
  const wanted = match?.sourcePort;
  if (wanted && (port & wanted.mask) !== wanted.value) return `the filter matches source port ${wanted.value}, not ${port}`;
  if (match?.ipProtocol !== undefined && match.ipProtocol !== 17) return `the filter matches IP protocol ${match.ipProtocol}, not UDP`;
  const attached = control.qdiscs.some((qdisc) => qdisc.link === link && (qdisc.handle === parent || qdisc.kind === 'clsact'));
  if (!attached || parent === 'ingress') return `the filter hangs at ${parent}, which these packets do not pass`;
  return `the filter (protocol ${protocol}) does not match them`;
}

export default check;
