import { expect, test } from 'vitest';
import { broughtAbout } from '../kit/standing-risks.js';
import { carryOut, check } from './doctor.js';
import { type Lab, raiseLab } from './lab.js';
import { failing } from './probe.js';
import { faults } from './scenarios/index.js';
import { topologyOf } from './topologies.js';
import { isReload, stateOf, takeBack } from './undo.js';

/* Each kind of cure once, several to a lab: what is printed is carried out and taken back, and the hosts are as they were. */

const kinds: Readonly<Record<string, readonly string[]>> = {
  'rules of iptables and policy routing': [
    'proxy/mark-rule-missing (http)',
    'proxy/policy-rule-missing (IPv6)',
    'proxy/firewall-drops-client',
    'upstream/firewall-drops-request (dropped)',
  ],
  'rules of nft added to chains that are there, sysctls and routes': [
    'proxy/firewall-drops-reply (at the link, before all other rules)',
    'dsr/rewrite-misses-upstream',
    'dsr/forwarding-off',
    'upstream/no-route-to-client',
    'upstream/no-route-to-client (IPv6)',
  ],
  'a table of nft, and rules that are replaced or moved': [
    'dsr/reply-not-rewritten',
    'proxy/tproxy-instead-of-mark',
    'proxy/policy-rule-shadowed',
    'upstream/client-on-connected-subnet (overlapping prefix: clients are sought where they are not)',
  ],
  'rules of nft taken out': ['dsr/rewrite-twice', 'proxy/src-valid-mark', 'upstream/unreachable (its link is down)'],
  'a rewrite in the place of a wrong one, and an edit': ['dsr/rewrite-wrong-port', 'nginx/transparent-keyword-missing (http)'],
};

async function everywhere(lab: Lab): Promise<object> {
  const states = lab.hosts.map(async ({ name }) => [name, await stateOf(lab, name)] as const);
  return Object.fromEntries(await Promise.all(states));
}

test.each(Object.entries(kinds))('%s', async (_, names) => {
  const chosen = names.flatMap((name) => faults.find((fault) => fault.name === name) ?? []);
  expect(chosen.map(({ name }) => name)).toEqual(names);
  const lab = await raiseLab(topologyOf(Object.assign({}, ...chosen)));
  try {
    for (const { changes } of chosen) await lab.change(changes);
    const broken = await failing(lab);
    const before = await everywhere(lab);
    const { report } = await check(lab);
    const fix = broughtAbout(report.diagnoses).flatMap((diagnosis) => diagnosis.fix);
    const without = fix.filter((step) => step.kind === 'command' && step.undo === undefined && !isReload(step));
    expect(without).toEqual([]);

    await carryOut(lab, fix);
    expect(await failing(lab), 'what still fails after the fix').toEqual([]);
    expect(await everywhere(lab)).not.toEqual(before);

    await takeBack(lab, fix);
    expect(await everywhere(lab)).toEqual(before);
    expect(await failing(lab)).toEqual(broken);
  } finally {
    await lab.remove();
  }
});
