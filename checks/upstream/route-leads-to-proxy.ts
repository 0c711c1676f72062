import { answeredHere, evidenceOf, hitsFor, type Opinion, opinionsByClient, servedHere, stepsHere } from '../../src/reasoning/hits.js';
import type { Check, Scope, Walk } from '../../src/types.js';

const check: Check<never> = {
  title: 'replies to clients leave towards nginx',
  roles: ['upstream'],
  needs: [],
  why: "nginx holds the connection under the client's address, so the reply must come back to nginx's host. Over another gateway, or straight, it reaches a client that knows nothing of it and resets it.",
  fix: 'Make nginx the gateway for the clients: a default route, or "ip rule add from THIS lookup 100" with a default route via nginx in table 100.',
  run: (_, scope) =>
    hitsFor(
      servedHere(scope).filter((service) => service.mode === 'transparent'),
      (service) => opinionsByClient(scope, service, (walk) => (answeredHere(scope, walk) ? judge(scope, walk) : undefined)),
    ),
};

function judge(scope: Scope, walk: Walk): Opinion | undefined {
  const sent = stepsHere(scope, walk, 'reply').find((step) => step.place === 'route');
  if (!sent || sent.code === 'no-route') return undefined;
  const evidence = evidenceOf(sent);
  const bypassed = walk.steps.find((step) => step.leg === 'reply' && step.code === 'bypassed');
  if (bypassed) return { status: 'fail', about: walk.client, message: bypassed.did, evidence };
  const unseen = walk.steps.find((step) => step.leg === 'reply' && step.outcome === 'unseen');
  if (unseen)
    return { status: 'unknown', message: `the reply ${unseen.did}: name that host with --host to see where it goes on`, evidence };
  if (walk.steps.some((step) => step.leg === 'reply' && step.host === walk.service.host))
    return { status: 'pass', message: `replies reach ${walk.service.host}`, evidence };
  const end = walk.steps.findLast((step) => step.leg === 'reply');
  if (!end || end.host === scope.host) return undefined;
  return { status: 'warn', message: `replies go by ${end.host}, which ${end.did}`, evidence };
}

export default check;
