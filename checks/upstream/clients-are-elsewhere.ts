import { contains, network } from '../../src/net/prefix.js';
import { answeredHere, hitsFor, type Opinion, opinionsOn, servedHere, stepsHere } from '../../src/reasoning/hits.js';
import type { Address, Check, Scope, Walk } from '../../src/types.js';

const check: Check<'addresses'> = {
  title: 'no client lies in a subnet that this host is connected to',
  roles: ['upstream'],
  needs: ['addresses'],
  why: 'A connected subnet is reached without a gateway, so replies to clients there pass nginx by, and strict rp_filter drops their requests when they come in elsewhere. All other clients work.',
  fix: 'Put the clients into another subnet, or add "ip rule add from THIS lookup 100" with routes via nginx in table 100.',
  run: ({ addresses }, scope) =>
    hitsFor(servedHere(scope), (service) =>
      opinionsOn(scope, service, (walk) => (answeredHere(scope, walk) ? judge(addresses, scope, walk) : undefined)),
    ),
};

function judge(addresses: readonly Address[], scope: Scope, walk: Walk): Opinion {
  const own = addresses.find((entry) => entry.scope !== 'link' && contains(`${entry.address}/${entry.prefixLength}`, walk.client));
  if (!own) {
    if (!walk.clientAssumed) return { status: 'pass', about: walk.client, message: 'in no connected subnet' };
    return { status: 'unknown', message: 'no client is known: name some with --client ADDRESS or PREFIX' };
  }
  const prefix = network(`${own.address}/${own.prefixLength}`) ?? own.address;
  const evidence = [{ host: scope.host, what: `${own.address}/${own.prefixLength} on ${own.link}`, source: 'ip address' }];
  const about = walk.client;
  const message = `in ${prefix}, connected on ${own.link}`;
  const harmed = walk.steps.some(({ code, host }) => code === 'bypassed' || (code === 'source-invalid' && host === scope.host));
  if (harmed) return { status: 'fail', about, message, evidence };
  const whole = stepsHere(scope, walk, 'reply').length > 0 && walk.end !== 'broken';
  return whole
    ? { status: 'pass', about, message: `${message}, yet its replies take the right way`, evidence }
    : { status: 'warn', about, message, evidence };
}

export default check;
