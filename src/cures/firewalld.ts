import type { Cure, FirewallChain, FirewallRule, FirewallTable, FixStep, Snapshot } from '../types.js';
import { type Admission, matchSteps, protocolName } from './admission.js';
import { combine } from './combine.js';
import { type ChainPlace, factOfSource } from './firewall-rules.js';
import { richRules } from './rich-rules.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/**
 * Ways to open the zone whose chain decides about a packet, the plainest first: a port, then a rich rule, which goes before what the zone
 * denies. Both work at once, and the same with --permanent lasts. None where the packet is dropped outside zones, or a zone cannot tell it.
 */
export function openZone(snapshot: Snapshot, { table }: ChainPlace, rule: FirewallRule, admission: Admission, why: string): Cure[] {
  const zone = zoneDeciding(table, rule);
  if (zone === undefined || admission.out !== undefined || admission.mark !== undefined) return [];
  return [openPort(snapshot, zone, admission, why), acceptRich(snapshot, zone, admission, why)].filter((cure) => cure !== undefined);
}

interface Zone {
  table: FirewallTable;
  name: string;
  /** Chains of what goes first, and of what is allowed once nothing denied it. */
  first: FirewallChain;
  allowed: FirewallChain;
}

/** Each zone has a chain `filter_IN_ZONE` (`IN_ZONE` with iptables), which asks those with the suffixes in order. */
function zoneDeciding(table: FirewallTable, rule: FirewallRule): Zone | undefined {
  const deciding = table.chains.find(({ rules }) => rules.includes(rule))?.name ?? '';
  const [, prefix = '', rest = ''] = /^((?:filter_)?IN_)(.+)$/.exec(deciding) ?? [];
  const find = (name: string) => table.chains.find((chain) => chain.name === name);
  const names = [rest, rest.replace(/_(?:pre|log|deny|allow|post)$/, '')];
  return names
    .map((name) => ({ table, name, first: find(`${prefix}${name}_pre`), allowed: find(`${prefix}${name}_allow`) }))
    .find((zone): zone is Zone => zone.first !== undefined && zone.allowed !== undefined && !zone.name.startsWith('policy_'));
}

function openPort(snapshot: Snapshot, zone: Zone, admission: Admission, why: string): Cure | undefined {
  const { protocol, destinationPort, sourcePort, sources = [], destinations = [] } = admission;
  if (protocol === undefined || destinationPort === undefined || sourcePort !== undefined) return undefined;
  if (sources.length + destinations.length > 0) return undefined;
  const port = `${destinationPort}/${protocolName(protocol)}`;
  const steps = matchSteps({ family: admission.family, protocol, destinationPort });
  return {
    host: snapshot.host,
    steps: [inZone(snapshot, zone, (verb) => `--${verb}-port=${port}`, why)],
    apply: adding(zone, 'allowed', [
      { text: `${protocolName(protocol)} dport ${destinationPort} accept`, steps: [...steps, { do: 'accept' }] },
    ]),
  };
}

/** One rich rule takes one address and one port. */
function acceptRich(snapshot: Snapshot, zone: Zone, admission: Admission, why: string): Cure | undefined {
  const rules = richRules(admission, -1);
  if (rules === undefined) return undefined;
  // A zone is its links: a rule in it names none.
  const { in: _link, ...packets } = admission;
  const accepted: FirewallRule = {
    text: rules.join(' and '),
    steps: [{ match: 'family', not: false, family: admission.family }, ...matchSteps(packets), { do: 'accept' }],
  };
  const added = adding(zone, 'first', [accepted]);
  const each = rules.map(
    (text): Cure => ({
      host: snapshot.host,
      steps: [inZone(snapshot, zone, (verb) => `--${verb}-rich-rule=${text}`, why)],
      apply: (before) => before,
    }),
  );
  return combine(snapshot.host, [...each, { host: snapshot.host, steps: [], apply: added }]);
}

function inZone(snapshot: Snapshot, { name }: Zone, option: (verb: 'add' | 'remove') => string, why: string): FixStep {
  const command = (verb: 'add' | 'remove', ...before: string[]) => commandLine('firewall-cmd', ...before, `--zone=${name}`, option(verb));
  return {
    host: snapshot.host,
    kind: 'command',
    run: command('add'),
    undo: command('remove'),
    persist: `the same for good: ${command('add', '--permanent')}`,
    why,
  };
}

function adding({ table, first, allowed }: Zone, where: 'first' | 'allowed', rules: readonly FirewallRule[]): Cure['apply'] {
  const chain = where === 'first' ? first : allowed;
  const isSame = (each: FirewallTable) => each.name === table.name && (each.family === table.family || table.source !== 'nft');
  return (before) =>
    withFact(before, factOfSource[table.source], (tables) =>
      tables.map((each) =>
        isSame(each)
          ? { ...each, chains: each.chains.map((one) => (one.name === chain.name ? { ...one, rules: [...one.rules, ...rules] } : one)) }
          : each,
      ),
    );
}
