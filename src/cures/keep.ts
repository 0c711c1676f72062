import { factOf } from '../path/world.js';
import type { BootFile, Cure, FixStep, PolicyRule, Route, Snapshot } from '../types.js';
import { hasManager } from './distribution.js';
import { commandsFor, ruleWords } from './keep-commands.js';
import { bootFileOf, type NewFile, withBootFiles, writeStep } from './keep-files.js';
import { sysctlFile } from './persistence.js';
import type { Piece } from './piece.js';
import { commandLine } from './shell.js';
import { sysctlName } from './sysctl.js';

export interface Keeping {
  /** Base name of the file of systemd-networkd whose link is up: rules and routes go beside it. */
  network?: string;
  /** Rules that come back at boot, and that systemd-networkd takes away when it starts anew. */
  shielded: boolean;
}

const unitName = 'transparent-proxy.service';
const after =
  'network-online.target netfilter-persistent.service iptables.service ip6tables.service nftables.service firewalld.service ufw.service';

/** Writes what a reboot would take into new files, in the form that this host reads at boot. What no form is known for is left out. */
export function keepPieces(snapshot: Snapshot, pieces: readonly Piece[], keeping: Keeping): Cure | undefined {
  const { host } = snapshot;
  const why = 'it is then there after a reboot as well';
  const direct = hasManager(snapshot, 'firewalld') ? pieces.filter(isIptables) : [];
  const network = keeping.network === undefined ? undefined : networkFile(keeping.network, pieces);
  const rest = pieces.filter((piece) => !(direct as readonly Piece[]).includes(piece) && !(network && isRouting(piece)));
  const commands = rest.flatMap((piece) => commandsFor(snapshot, piece) ?? []);
  const unit = commands.length > 0 && factOf(snapshot, 'platform')?.init === 'systemd' ? unitFile(commands) : undefined;
  const files = [sysctls(pieces), network, keeping.shielded ? shield : undefined, unit].filter((file) => file !== undefined);
  const steps: FixStep[] = [
    ...files.map((file) => writeStep(host, file, why)),
    ...(unit ? [enable(host, why)] : []),
    ...direct.map((piece) => directStep(host, piece, why)),
  ];
  if (steps.length === 0) return undefined;
  const written = [...files.map(bootFileOf), ...direct.map(directFile)];
  return { host, steps, apply: (before) => withBootFiles(before, written) };
}

function isRouting(piece: Piece): boolean {
  return piece.kind === 'policy-rule' || piece.kind === 'route';
}

function isIptables(piece: Piece): piece is Piece & { kind: 'firewall' } {
  return piece.kind === 'firewall' && piece.table.source !== 'nft' && piece.chain.base !== undefined;
}

function sysctls(pieces: readonly Piece[]): NewFile | undefined {
  const lines = pieces.flatMap((piece) => (piece.kind === 'sysctl' ? [`${sysctlName(piece.change.key)} = ${piece.change.now}`] : []));
  return lines.length === 0 ? undefined : { path: sysctlFile, lines, as: { path: sysctlFile, kind: 'sysctl' } };
}

/** networkd reads drop-ins of a file from a directory named after it, also where the file itself was made by netplan in /run. */
function networkFile(base: string, pieces: readonly Piece[]): NewFile | undefined {
  const lines = pieces.flatMap((piece) => {
    if (piece.kind === 'policy-rule') return ['[RoutingPolicyRule]', ...ruleKeys(piece.rule)];
    return piece.kind === 'route' ? ['[Route]', ...routeKeys(piece.route)] : [];
  });
  const path = `/etc/systemd/network/${base}.d/transparent-proxy.conf`;
  return lines.length === 0 ? undefined : { path, lines, as: { path, kind: 'networkd' } };
}

function ruleKeys(rule: PolicyRule): string[] {
  const mask = rule.mask === undefined || rule.mask === 0xffffffff ? '' : `/${rule.mask}`;
  return [
    `Family=${rule.family === 6 ? 'ipv6' : 'ipv4'}`,
    `Priority=${rule.priority}`,
    ...(rule.mark === undefined ? [] : [`FirewallMark=${rule.mark}${mask}`]),
    ...(rule.from === undefined ? [] : [`From=${rule.from}`]),
    ...(rule.to === undefined ? [] : [`To=${rule.to}`]),
    ...(rule.iif === undefined ? [] : [`IncomingInterface=${rule.iif}`]),
    `Table=${rule.table ?? 'main'}`,
  ];
}

function routeKeys({ to, type, table, nextHops }: Route): string[] {
  const via = nextHops[0]?.via;
  return [
    `Destination=${to}`,
    ...(via === undefined ? [] : [`Gateway=${via}`]),
    ...(type === 'unicast' ? [] : [`Type=${type}`]),
    `Table=${table}`,
  ];
}

const shieldPath = '/etc/systemd/networkd.conf.d/transparent-proxy.conf';
const shield: NewFile = {
  path: shieldPath,
  lines: ['[Network]', 'ManageForeignRoutingPolicyRules=no'],
  as: { path: shieldPath, kind: 'networkd-conf' },
};

/** A unit that types the commands once the links are up and other services have loaded their own rules. */
function unitFile(commands: readonly (readonly string[])[]): NewFile {
  const distinct = [...new Set(commands.map((words) => words.join(' ')))];
  const lines = [
    '[Unit]',
    'Description=Network state of the transparent proxy',
    'Wants=network-online.target',
    `After=${after}`,
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    ...distinct.map((command) => `ExecStart=/usr/bin/env ${command}`),
    '[Install]',
    'WantedBy=multi-user.target',
  ];
  return {
    path: `/etc/systemd/system/${unitName}`,
    lines,
    as: { path: `/etc/systemd/system/multi-user.target.wants/${unitName}`, kind: 'unit' },
  };
}

function enable(host: string, why: string): FixStep {
  return {
    host,
    kind: 'command',
    run: commandLine('systemctl', 'enable', unitName),
    undo: commandLine('systemctl', 'disable', unitName),
    why,
  };
}

function directWords({ table, chain, rule }: Piece & { kind: 'firewall' }): string[] {
  return [table.family === 'ip6' ? 'ipv6' : 'ipv4', table.name, chain.name, '0', ...ruleWords(rule)];
}

/** Only in the permanent configuration: in force it is already. */
function directStep(host: string, piece: Piece & { kind: 'firewall' }, why: string): FixStep {
  const command = (verb: string) => commandLine('firewall-cmd', '--permanent', '--direct', verb, ...directWords(piece));
  return { host, kind: 'command', run: command('--add-rule'), undo: command('--remove-rule'), why };
}

function directFile(piece: Piece & { kind: 'firewall' }): BootFile {
  const [family, table, chain, , ...words] = directWords(piece);
  const text = `<rule ipv="${family}" table="${table}" chain="${chain}" priority="0">${words.join(' ')}</rule>`;
  return { path: '/etc/firewalld/direct.xml', kind: 'firewalld-direct', lines: [{ text }] };
}
