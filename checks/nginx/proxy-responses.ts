import { configEvidence, hitsFor, type Opinion, opinionsOn, ownServices } from '../../src/reasoning/hits.js';
import type { Check, Service, Walk } from '../../src/types.js';

const check: Check<never> = {
  title: 'proxy_responses fits the way the replies take',
  roles: ['proxy'],
  needs: [],
  why: 'With proxy_responses 0 nginx closes its socket after sending: replies that do come back to it find no socket (UdpNoPorts). With any other value it waits for replies that pass it by, keeps sessions and marks servers down.',
  fix: 'proxy_responses 1 where replies come back to nginx; proxy_responses 0 with Direct Server Return.',
  run: (_, scope) =>
    hitsFor(
      ownServices(scope).filter((service) => service.protocol === 'udp'),
      (service) => {
        const { proxyResponses, at } = service;
        const said = proxyResponses ? `proxy_responses ${proxyResponses.value}` : 'proxy_responses is not set';
        const evidence = [configEvidence(scope.host, said, proxyResponses?.at ?? at)];
        return opinionsOn(scope, service, (walk) => {
          const opinion = service.mode === 'transparent' ? judgeWaiting(service, walk) : judgeNotWaiting(walk);
          return opinion && { ...opinion, evidence };
        });
      },
    ),
};

/** nginx expects replies: do they come to it? */
function judgeWaiting(service: Service, walk: Walk): Opinion | undefined {
  const reply = walk.steps.filter((step) => step.leg === 'reply' && step.host === service.host);
  if (reply.some((step) => step.code === 'taken-in')) return { status: 'pass', message: 'nginx waits for replies, which come back to it' };
  const unmarked = reply.some((step) => step.code === 'not-taken-in' && step.packet.mark === 0);
  const passedBy = reply.some((step) => step.code === 'awaited-in-vain');
  if (!(passedBy || unmarked) || service.bind?.port !== 'client') return undefined;
  if (service.proxyResponses)
    return {
      status: 'fail',
      message: `nginx waits for ${service.proxyResponses.value} replies, which pass it by, and counts a failed server`,
    };
  return { status: 'warn', message: 'nginx waits for replies, which pass it by, and keeps each session until proxy_timeout' };
}

/** nginx expects none: do they come to it all the same? */
function judgeNotWaiting({ service, steps }: Walk): Opinion | undefined {
  if (service.mode === 'one-way') return { status: 'pass', message: 'nobody answers, and nginx does not wait' };
  const reply = steps.filter((step) => step.leg === 'reply');
  if (reply.some((step) => step.host === service.host && step.code === 'stolen'))
    return { status: 'fail', message: 'replies are led back to nginx, which has closed its socket: proxy_responses is 0' };
  const passes = reply.some((step) => step.code === 'forwarded' || step.code === 'delivered' || step.code === 'rewritten');
  return passes ? { status: 'pass', message: 'nginx does not wait for replies, which go to the client' } : undefined;
}

export default check;
