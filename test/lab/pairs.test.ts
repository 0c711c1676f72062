import { describe, expect, it } from 'vitest';
import { broughtAbout } from '../kit/standing-risks.js';
import { carryOut, check, diagnosed } from './doctor.js';
import { raiseLab } from './lab.js';
import { failing } from './probe.js';
import { type Fault, faults } from './scenarios/index.js';
import { topologyOf } from './topologies.js';

/*
 * Two faults at a time on real hosts. Both are named and nothing else is; what is printed, carried out in its order, makes everything work.
 */

const pairs: readonly (readonly [first: string, second: string])[] = [
  // Different hosts, different services.
  ['proxy/mark-rule-missing (http)', 'upstream/not-listening (DNS by direct server return)'],
  ['nginx/address-family-mismatch', 'upstream/firewall-drops-request (dropped)'],
  ['dsr/forwarding-off', 'upstream/no-route-to-client (IPv6)'],
  // Different hosts, the same service.
  ['proxy/mark-rule-mismatch (port)', 'upstream/not-listening (another port)'],
  ['dsr/rewrite-misses-upstream', 'upstream/not-listening (DNS by direct server return)'],
  ['dsr/reply-not-rewritten', 'upstream/no-route-to-client'],
  ['upstream/reply-bypasses-proxy', 'upstream/no-route-to-client'],
  ['upstream/rp-filter-drops-request', 'upstream/firewall-drops-request (rejected)'],
  // The same host, different services.
  ['proxy/policy-rule-missing', 'proxy/local-route-missing (IPv6)'],
  ['nginx/dsr-without-client-port', 'proxy/mark-rule-missing (IPv6)'],
  ['nginx/literal-port-in-bind', 'proxy/mark-rule-missing (IPv6)'],
  ['nginx/responses-zero-but-replies-return', 'dsr/forwarding-off'],
  ['proxy/firewall-drops-client', 'dsr/rewrite-wrong-port'],
  // The same host, the same service; the second hides behind the first.
  ['proxy/mark-rule-missing (no rule at all)', 'proxy/policy-rule-missing'],
  ['proxy/policy-rule-missing', 'proxy/local-route-missing'],
  ['dsr/forwarding-off', 'dsr/reply-not-rewritten'],
  ['nginx/transparent-keyword-missing (http)', 'proxy/mark-rule-missing (http)'],
  // On other topologies.
  ['dsr/forwarding-off (one-armed)', 'upstream/reply-bypasses-proxy (the router is on the same segment)'],
  ['proxy/local-route-missing (one-armed, IPv6)', 'proxy/policy-rule-missing (one-armed)'],
  ['dsr/forwarding-off (on the way back)', 'dsr/rewrite-wrong-port (at the origin)'],
  ['proxy/local-route-missing (behind a router)', 'upstream/reply-bypasses-proxy (all replies take the way back of DNS)'],
  ['proxy/mark-rule-missing (on one of a pair)', 'proxy/policy-rule-missing (on one of a pair)'],
  ['upstream/reply-bypasses-proxy (the other nginx holds the gateway address)', 'dsr/forwarding-off (on one of a pair)'],
];

function named(name: string): Fault {
  const found = faults.find((fault) => fault.name === name);
  if (!found) throw new Error(`no fault ${name}`);
  return found;
}

async function diagnoseBoth(first: Fault, second: Fault): Promise<void> {
  const lab = await raiseLab(topologyOf({ ...first, ...second }));
  try {
    await lab.change([...first.changes, ...second.changes]);
    const broken = await failing(lab);
    expect(broken, 'what the faults break').toEqual(expect.arrayContaining([...first.fails, ...second.fails]));
    const { exitCode, report } = await check(lab);
    const said = [first, second].map(({ cause, host }) => `fault ${cause} on ${host}`);
    expect(diagnosed(report).sort()).toEqual(said.sort());
    expect(exitCode).toBe(1);
    await carryOut(
      lab,
      broughtAbout(report.diagnoses).flatMap(({ fix }) => fix),
    );
    expect(await failing(lab, first.leftOut ?? second.leftOut), 'what still fails after the fixes').toEqual([]);
  } finally {
    await lab.remove();
  }
}

describe.concurrent('of two faults both are named, and their fixes restore real traffic', () => {
  for (const [first, second] of pairs) it(`${first} with ${second}`, () => diagnoseBoth(named(first), named(second)));
});
