import type { ChangedSysctl, Piece } from '../../cures/piece.js';
import { withFact } from '../../cures/snapshot.js';
import { factOf } from '../../path/world.js';
import type { NextHop, Snapshot } from '../../types.js';
import { isStarted } from './active.js';
import type { Boot } from './boot.js';
import type { BootCommand } from './commands.js';
import { bootFirewall, bringsFirewallRule } from './firewall.js';
import { firewalldEmpties, flushesRules } from './flushers.js';
import { type Brings, bringsRoute, bringsRule, type IpStatement } from './ip-words.js';
import { bootSysctl, changedSysctls } from './sysctls.js';
import { bringsFilter } from './tc-words.js';

/** Everything that a reboot would take from this host, needed or not. */
export function lostPieces(snapshot: Snapshot, boot: Boot): Piece[] {
  return [
    ...lostRules(snapshot, boot),
    ...lostRoutes(snapshot, boot),
    ...lostFirewall(snapshot, boot),
    ...lostFilters(snapshot, boot),
    ...lostSysctls(snapshot, boot),
  ];
}

/** Programs that make rules and routes of their own from files that are not read here. */
const ownWays = ['ec2-net-utils', 'frr', 'bird', 'keepalived', 'pacemaker', 'strongswan', 'shorewall', 'ferm', 'firehol', 'csf'];

function isOpaque(snapshot: Snapshot, { configuration }: Boot): boolean {
  return configuration.enabled.length > 0 && isStarted(snapshot, configuration, ...ownWays);
}

function best(outcomes: readonly Brings[]): Brings {
  if (outcomes.includes('yes')) return 'yes';
  return outcomes.includes('maybe') ? 'maybe' : 'no';
}

/** `ip [-6] rule add …` of scripts. */
export function ipStatement({ tool, args, opaque }: BootCommand): IpStatement | 'opaque' | undefined {
  if (tool !== 'ip') return undefined;
  if (opaque) return 'opaque';
  const at = args.findIndex((word, i) => !word.startsWith('-') && !/^-(?:f|family)$/.test(args[i - 1] ?? ''));
  const flags = args.slice(0, Math.max(at, 0));
  if (!/^(?:ru|rule|r|ro|route)$/.test(args[at] ?? '')) return undefined;
  if (!/^(?:add|a|append|replace|prepend|change)$/.test(args[at + 1] ?? '')) return undefined;
  const words = args.slice(at + 2);
  const six = flags.includes('-6') || flags.includes('inet6') || words.some((word) => word.includes(':'));
  return { object: args[at]?.startsWith('ru') ? 'rule' : 'route', families: [six ? 6 : 4], words };
}

/** By whom a rule or route is brought back: files of a link manager, or commands. */
export function bringersOf(boot: Boot, brings: (statement: IpStatement) => Brings): { managers: Brings; commands: Brings } {
  return {
    managers: best(boot.links.flatMap(({ statements }) => statements.map(brings))),
    commands: best(
      boot.commands.map((command) => {
        const statement = ipStatement(command);
        return statement === 'opaque' ? 'maybe' : statement ? brings(statement) : 'no';
      }),
    ),
  };
}

function isBrought(boot: Boot, brings: (statement: IpStatement) => Brings): boolean {
  const { managers, commands } = bringersOf(boot, brings);
  return managers !== 'no' || commands !== 'no';
}

function lostRules(snapshot: Snapshot, boot: Boot): Piece[] {
  if (isOpaque(snapshot, boot)) return [];
  // The kernel makes 0, 32766 and 32767 itself.
  const added = (factOf(snapshot, 'policyRules') ?? []).filter(({ priority }) => priority > 0 && priority < 32_766);
  const flushed = flushesRules(snapshot, boot);
  return added
    .filter((rule) => {
      const { managers, commands } = bringersOf(boot, (statement) => bringsRule(statement, rule));
      return managers === 'no' && (flushed || commands === 'no');
    })
    .map((rule) => ({ kind: 'policy-rule', rule }));
}

function lostRoutes(snapshot: Snapshot, boot: Boot): Piece[] {
  if (isOpaque(snapshot, boot)) return [];
  const known = staticLinks(snapshot, boot);
  const candidates = (factOf(snapshot, 'routes') ?? []).filter(
    ({ table, nextHops }) => table !== 'local' && (table !== 'main' || nextHops.some((hop) => isGateway(hop, known))),
  );
  return candidates
    .filter((route) => !isBrought(boot, (statement) => bringsRoute(statement, route)))
    .map((route) => ({ kind: 'route', route }));
}

/** A router's own announcement has a link-local address. */
function isGateway({ link, via }: NextHop, known: ReadonlySet<string>): boolean {
  return link !== undefined && known.has(link) && via !== undefined && !via.startsWith('fe80:');
}

/** Links whose addresses stand in the files that were read, where no server gives any: only of these a gateway is gone that no file names. */
function staticLinks(snapshot: Snapshot, { links }: Boot): Set<string> {
  if (links.some(({ dynamic }) => dynamic)) return new Set();
  const texts = links.flatMap(({ file }) => file.lines.map(({ text }) => text));
  const addresses = (factOf(snapshot, 'addresses') ?? []).filter(({ scope }) => scope === 'global');
  return new Set(addresses.filter(({ address }) => texts.some((text) => text.includes(address))).map(({ link }) => link));
}

const sources = { 'iptables-legacy': 'iptablesLegacy', 'iptables-nft': 'iptablesNft', nft: 'nft' } as const;
const lasting = new Set(['mark', 'connection-mark', 'save-mark', 'restore-mark', 'rewrite', 'notrack', 'tproxy']);

/** Chains and tables whose makers bring them back themselves. */
const ownChains = /^(?:DOCKER|KUBE-|LIBVIRT_|CILIUM_|cali-|ts-|ufw6?-|f2b-)/;
const ownTables = new Set(['firewalld', 'fail2ban', 'libvirt_network']);

function lostFirewall(snapshot: Snapshot, boot: Boot): Piece[] {
  if (isOpaque(snapshot, boot)) return [];
  const brought = bootFirewall(boot.files, boot.commands);
  const direct = bootFirewall(
    boot.files.filter(({ kind }) => kind === 'firewalld-direct'),
    [],
  );
  const owned = new Set((factOf(snapshot, 'iptablesNft') ?? []).map(({ family, name }) => `${family} ${name}`));
  const tables = Object.values(sources)
    .flatMap((fact) => factOf(snapshot, fact) ?? [])
    // nft lists the tables of iptables-nft as well.
    .filter(({ source, family, name }) => source !== 'nft' || (!owned.has(`${family} ${name}`) && !ownTables.has(name)));
  return tables.flatMap((table) =>
    table.chains
      .filter(({ name }) => !ownChains.test(name))
      .flatMap((chain) =>
        chain.rules
          .filter(({ steps }) => steps.some((step) => 'do' in step && lasting.has(step.do)))
          .filter((rule) => bringsFirewallRule(firewalldEmpties(snapshot, table) ? direct : brought, table, chain, rule) === 'no')
          .map((rule): Piece => ({ kind: 'firewall', table, chain, rule })),
      ),
  );
}

function lostFilters(snapshot: Snapshot, boot: Boot): Piece[] {
  const filters = (factOf(snapshot, 'trafficControl')?.filters ?? []).filter(({ actions }) => actions.some(({ kind }) => kind === 'nat'));
  return filters
    .filter((filter) => boot.commands.every((command) => bringsFilter(command, filter) === 'no'))
    .map((filter) => ({ kind: 'traffic-control', filter }));
}

/** Programs that turn forwarding on when they start. */
const forwarders = ['docker', 'libvirt', 'kubelet', 'libvirtd', 'tailscale', 'containerd'];

function lostSysctls(snapshot: Snapshot, boot: Boot): Piece[] {
  const masquerades = boot.files.some(
    ({ kind, lines }) => kind === 'firewalld-direct' && lines.some(({ text }) => text.includes('<masquerade')),
  );
  const forwards =
    masquerades ||
    boot.links.some((each) => each.forwards) ||
    boot.files.some(({ kind, lines }) => kind === 'networkd-conf' && lines.some(({ text }) => /Forward\w*=(?:yes|true|1)/.test(text))) ||
    (boot.configuration.enabled.length > 0 && isStarted(snapshot, boot.configuration, ...forwarders));
  const atBoot = bootSysctl(snapshot, boot.files, boot.commands);
  return changedSysctls(snapshot, boot.configuration, atBoot, forwards).map((change) => ({ kind: 'sysctl', change }));
}

/** The snapshot as it is once one piece is gone. */
export function without(snapshot: Snapshot, lost: Piece): Snapshot {
  switch (lost.kind) {
    case 'policy-rule':
      return withFact(snapshot, 'policyRules', (rules) => rules.filter((rule) => rule !== lost.rule));
    case 'route':
      return withFact(snapshot, 'routes', (routes) => routes.filter((route) => route !== lost.route));
    case 'traffic-control':
      return withFact(snapshot, 'trafficControl', (control) => ({
        ...control,
        filters: control.filters.filter((filter) => filter !== lost.filter),
      }));
    case 'firewall':
      return withFact(snapshot, sources[lost.table.source], (tables) =>
        tables.map((table) => ({
          ...table,
          chains: table.chains.map((chain) => ({ ...chain, rules: chain.rules.filter((rule) => rule !== lost.rule) })),
        })),
      );
    case 'sysctl':
      return withFact(snapshot, 'sysctls', (sysctls) => ({ ...sysctls, ...afterwards(sysctls, lost.change) }));
  }
}

/** ip_forward is the value that every link starts with. */
function afterwards(sysctls: Readonly<Record<string, string>>, { key, then }: ChangedSysctl): Record<string, string> {
  const links =
    key === 'net/ipv4/ip_forward' ? Object.keys(sysctls).filter((name) => /^net\/ipv4\/conf\/[^/]+\/forwarding$/.test(name)) : [];
  return Object.fromEntries([key, ...links].map((name) => [name, then]));
}
