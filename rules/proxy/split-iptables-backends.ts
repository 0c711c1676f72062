import { moveAllToNft } from '../../src/cures/remove-rule.js';
import { factOf } from '../../src/path/world.js';
import { distinct, list } from '../../src/reasoning/broken.js';
import { concludeRisk } from '../../src/reasoning/risk.js';
import type { Cure, FirewallTable, Rule, Snapshot } from '../../src/types.js';

/** More than a handful is nobody's quick cure. */
const mostMoved = 20;

const rule: Rule = {
  title: 'rules stand in both back ends of iptables',
  why: 'iptables-legacy and iptables-nft keep separate tables in the kernel, and packets pass both. A person who lists one sees half of the rules: an accept in one does not help against a drop in the other, and what is saved at boot is the half that the installed default shows.',
  signs: {
    logs: '`iptables-nft` prints "# Warning: iptables-legacy tables present, use iptables-legacy to see them". Nothing else.',
    packets: 'None of their own: all rules do what they say.',
  },
  proof:
    'Both `iptables-legacy-save` and `iptables-nft-save` print rules. Not this: empty tables, which a mere look with the other tool leaves behind.',
  cure: {
    how: [
      'Keep one of them, as a rule the nft back end; move each rule and save:',
      '  iptables-nft -t mangle -A PREROUTING -p tcp --sport 80 -j MARK --set-mark 1',
      '  iptables-legacy -t mangle -D PREROUTING -p tcp --sport 80 -j MARK --set-mark 1',
      '  update-alternatives --config iptables',
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) => {
    const onTheWay = distinct(c.walks.flatMap(({ steps }) => steps.map(({ host }) => host)));
    return onTheWay.flatMap((host) => {
      const snapshot = c.snapshots.get(host);
      const [legacy, nft] = [withRules(factOf(snapshot, 'iptablesLegacy')), withRules(factOf(snapshot, 'iptablesNft'))];
      const services = distinct(c.walks.filter(({ steps }) => steps.some((step) => step.host === host)).map(({ service }) => service));
      if (!snapshot || legacy.length === 0 || nft.length === 0) return [];
      return concludeRisk(c, services, {
        host,
        summary: `${host} has rules in both back ends of iptables: who looks at one sees half of them (${list(services.map(({ id }) => id))})`,
        steps: [`legacy: ${describe(legacy)}`, `nft: ${describe(nft)}`, 'packets pass both, and each tool shows its own'],
        evidence: [
          { host, what: describe(legacy), source: 'iptables-legacy-save' },
          { host, what: describe(nft), source: 'iptables-nft-save' },
        ],
        explains: [],
        cures: moving(snapshot, legacy),
        verify: ['iptables-legacy-save; ip6tables-legacy-save   # must print no rules'],
      });
    });
  },
};

function withRules(tables: readonly FirewallTable[] | undefined): FirewallTable[] {
  return (tables ?? []).filter(({ chains }) => chains.some(({ rules }) => rules.length > 0));
}

function describe(tables: readonly FirewallTable[]): string {
  const parts = tables.map(
    ({ family, name, chains }) =>
      `${chains.reduce((sum, { rules }) => sum + rules.length, 0)} in ${name} (${family === 'ip6' ? 'IPv6' : 'IPv4'})`,
  );
  return parts.join(', ');
}

/** Rule by rule, so that no moment lacks one. Chains of one's own and policies are more than can be moved blindly. */
function moving(snapshot: Snapshot, legacy: readonly FirewallTable[]): Cure[] {
  const places = legacy.flatMap((table) => table.chains.map((chain) => ({ table, chain })));
  if (places.some(({ chain }) => !chain.base || chain.policy === 'drop')) return [];
  const rules = places.flatMap((place) => place.chain.rules.map((rule) => ({ ...place, rule })));
  const moved = rules.length <= mostMoved ? moveAllToNft(snapshot, rules, 'one back end holds all rules') : undefined;
  return moved ? [moved] : [];
}

export default rule;
