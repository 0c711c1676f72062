import { decideRoute } from '../../src/path/routing.js';
import { describeAnswer } from '../../src/path/trail.js';
import { answeredHere, hitsFor, opinionsOn, servedHere } from '../../src/reasoning/hits.js';
import type { Check, Facts } from '../../src/types.js';

type Needed = 'policyRules' | 'routes' | 'addresses' | 'links' | 'sysctls';

const check: Check<Needed> = {
  title: 'there is a route to the clients',
  roles: ['upstream'],
  needs: ['policyRules', 'routes', 'addresses', 'links', 'sysctls'],
  why: "The upstream answers to the client's address. Without any route there the answer is never sent, and rp_filter drops the request before.",
  fix: 'ip route add default via the address of nginx on this segment (with DSR: of the router).',
  run: (facts, scope) =>
    hitsFor(servedHere(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        const from = walk.upstream.address;
        if (!answeredHere(scope, walk) || from === undefined) return undefined;
        const { answer, result } = decideRoute(facts satisfies Pick<Facts, Needed>, { to: walk.client, from });
        const source = `ip ${walk.client.includes(':') ? '-6 ' : ''}route get ${walk.client} from ${from} (computed from rules and tables)`;
        const evidence = [{ host: scope.host, what: describeAnswer(answer), source }];
        if (result.found === 'unknown')
          return { status: 'unknown', message: `the policy rule at ${result.rule.priority} cannot be evaluated` };
        if (answer.type === 'error') return { status: 'fail', message: `no route to ${walk.client}`, evidence };
        return { status: 'pass', message: `${walk.client} is reached ${describeAnswer(answer)}`, evidence };
      }),
    ),
};

export default check;
