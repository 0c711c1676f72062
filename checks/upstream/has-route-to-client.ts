import { type FibResult, lookup } from '../../src/path/fib.js';
import { answeredHere, hitsFor, type Opinion, opinionsByClient, servedHere } from '../../src/reasoning/hits.js';
import { describeRule } from '../../src/reasoning/policy-routing.js';
import type { Check } from '../../src/types.js';

const check: Check<'policyRules' | 'routes'> = {
  title: 'there is a route to the clients',
  roles: ['upstream'],
  needs: ['policyRules', 'routes'],
  why: "The upstream answers to the client's address. Without any route there the answer is never sent, and rp_filter drops the request before.",
  fix: 'ip route add default via the address of nginx on this segment (with DSR: of the router).',
  run: (facts, scope) =>
    hitsFor(servedHere(scope), (service) =>
      opinionsByClient(scope, service, (walk) => {
        const { client, upstream } = walk;
        if (!answeredHere(scope, walk) || upstream.address === undefined) return undefined;
        const family = client.includes(':') ? 6 : 4;
        const result = lookup(facts, { family, to: client, from: upstream.address, iif: 'lo', mark: 0 });
        const source = `ip ${family === 6 ? '-6 ' : ''}route get ${client} from ${upstream.address}`;
        return {
          ...judge(result, client),
          evidence: [{ host: scope.host, what: `rules and tables amount to "${describe(result)}"`, source }],
        };
      }),
    ),
};

function judge(result: FibResult, client: string): Opinion {
  if (result.found === 'route') return { status: 'pass', about: client, message: `reached ${describe(result)}` };
  if (result.found === 'unknown') return { status: 'unknown', message: `a policy rule cannot be evaluated: ${describe(result)}` };
  return { status: 'fail', about: client, message: `no route, ${describe(result)}` };
}

function describe(result: FibResult): string {
  if (result.found === 'nothing') return 'no rule leads to a route';
  if (result.found === 'refusal') return result.route ? `${result.route.type} ${result.route.to}` : result.rule.action;
  if (result.found === 'unknown') return describeRule(result.rule);
  const { via, link = 'a link' } = result.hop;
  return via === undefined ? `on ${link}` : `via ${via} on ${link}`;
}

export default check;
