import type { Cure, Family, FixStep, Hook, Snapshot } from '../types.js';
import { type Admission, iptablesMatches, protocolName } from './admission.js';
import type { ChainPlace } from './firewall-rules.js';
import { addIptablesRule } from './iptables.js';
import { commandLine } from './shell.js';

/** What ufw calls packets of a hook, and the chain where it keeps what users allow. */
const directions: Partial<Record<Hook, { route: boolean; out: boolean; chain: string }>> = {
  input: { route: false, out: false, chain: 'input' },
  forward: { route: true, out: false, chain: 'forward' },
  output: { route: false, out: true, chain: 'output' },
};

/**
 * Ways to allow packets with ufw, the plainest first; the second goes before what users denied. Both are at work at once and written below
 * /etc/ufw. None for what ufw has no words for: marks, and hooks before routing.
 */
export function allowByUfw(snapshot: Snapshot, { table, chain }: ChainPlace, admission: Admission, why: string): Cure[] {
  const direction = chain.base && directions[chain.base.hook];
  if (!direction || table.source === 'nft' || admission.mark !== undefined || admission.protocol === undefined) return [];
  const { source } = table;
  const isPlain = chain.base?.hook === 'input' && isOnlyPort(admission);
  const { in: _link, ...anyLink } = admission;
  const allow = (words: readonly string[][], matches: Admission, at: 'end' | 'start'): Cure => ({
    host: snapshot.host,
    steps: words.map((each) => step(snapshot.host, direction.route, each, at, why)),
    apply: (before) =>
      familiesOf(matches).reduce((current, family) => {
        const userChain = `${family === 6 ? 'ufw6' : 'ufw'}-user-${direction.chain}`;
        const rule = { frontEnd: source, family, table: table.name, chain: userChain, at, why };
        return addIptablesRule(current, { ...rule, words: [...iptablesMatches(matches), '-j', 'ACCEPT'] }).apply(current);
      }, before),
  });
  const exact = wordsOf(admission, direction.out);
  const plain = isPlain ? allow([[`${admission.destinationPort}/${protocolName(admission.protocol)}`]], anyLink, 'end') : undefined;
  return [plain ?? allow(exact, admission, 'end'), allow(exact, admission, 'start')];
}

function isOnlyPort({ destinationPort, sourcePort, sources = [], destinations = [], out }: Admission): boolean {
  return destinationPort !== undefined && sourcePort === undefined && out === undefined && sources.length + destinations.length === 0;
}

/** Without an address a rule of ufw is for both families. */
function familiesOf({ family, sources = [], destinations = [] }: Admission): Family[] {
  return sources.length + destinations.length > 0 ? [family] : [4, 6];
}

/** ufw's full words, one rule for each pair of addresses. */
function wordsOf(admission: Admission, out: boolean): string[][] {
  const { protocol, sourcePort, destinationPort, sources = [], destinations = [] } = admission;
  const links = [
    ...(admission.in === undefined || out ? [] : ['in', 'on', admission.in]),
    ...(admission.out === undefined ? [] : ['out', 'on', admission.out]),
  ];
  const end = (word: string, port: number | undefined) => (address: string) => [
    word,
    address,
    ...(port === undefined ? [] : ['port', String(port)]),
  ];
  const from = (sources.length > 0 ? sources : ['any']).map(end('from', sourcePort));
  const to = (destinations.length > 0 ? destinations : ['any']).map(end('to', destinationPort));
  const lead = [...(out && admission.out === undefined ? ['out'] : []), ...links, 'proto', protocolName(protocol)];
  return from.flatMap((source) => to.map((destination) => [...lead, ...source, ...destination]));
}

function step(host: string, route: boolean, words: readonly string[], at: 'end' | 'start', why: string): FixStep {
  const command = (...verbs: string[]) => commandLine('ufw', ...(route ? ['route'] : []), ...verbs, 'allow', ...words);
  return { host, kind: 'command', run: at === 'start' ? command('prepend') : command(), undo: command('delete'), why };
}
