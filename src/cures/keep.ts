import { factOf } from '../path/world.js';
import type { BootFile, Cure, FixStep, PolicyRule, Route, Snapshot } from '../types.js';
import { hasManager } from './distribution.js';
import { commandsFor, ruleWords } from './keep-commands.js';
import { bootFileOf, freePath, type NewFile, withBootFiles, writeStep } from './keep-files.js';
import { savedTables } from './keep-tables.js';
import { sysctlFile } from './persistence.js';
import type { Piece } from './piece.js';
import { commandLine } from './shell.js';
import { sysctlName } from './sysctl.js';

export interface Keeping {
  /** Base name of a file of systemd-networkd, with the link that it names: rules and routes go beside it. */
  network?: { base: string; link?: string };
  /** Some rules come back at boot, and systemd-networkd takes them away when it starts anew. */
  shielded: boolean;
}

const after =
  'network-online.target netfilter-persistent.service iptables.service ip6tables.service nftables.service firewalld.service ufw.service';

/** Writes what a reboot would take into new files, in the form that this host reads at boot. What no form is known for is left out. */
export function keepPieces(snapshot: Snapshot, pieces: readonly Piece[], keeping: Keeping): Cure | undefined {
  const { host } = snapshot;
  const why = 'it is then there after a reboot as well';
  const direct = hasManager(snapshot, 'firewalld') ? pieces.filter(isIptables) : [];
  const routed = keeping.network ? pieces.filter((piece) => fits(piece, keeping.network?.link)) : [];
  const tables = savedTables(snapshot, pieces);
  const elsewhere: readonly Piece[] = [...direct, ...routed];
  const rest = pieces.filter((piece) => !elsewhere.includes(piece)).flatMap((piece) => commandsFor(snapshot, piece) ?? []);
  const commands = [...rest, ...tables.map(({ path }) => ['nft', '-f', path])];
  const unit = commands.length > 0 && factOf(snapshot, 'platform')?.init === 'systemd' ? unitFile(snapshot, commands) : undefined;
  const network = keeping.network && routed.length > 0 ? networkFile(snapshot, keeping.network.base, routed) : undefined;
  const files = [sysctls(snapshot, pieces), network, keeping.shielded ? shield(snapshot) : undefined, unit].filter(
    (file) => file !== undefined,
  );
  const steps: FixStep[] = [
    ...(unit ? tables.map(({ step }) => step) : []),
    ...files.map((file) => writeStep(host, file, why)),
    ...(unit ? [enable(host, unit.path, why)] : []),
    ...direct.map((piece) => directStep(host, piece, why)),
  ];
  if (steps.length === 0) return undefined;
  const written = [...files.map(bootFileOf), ...direct.map(directFile), ...tables.map(({ file }) => file)];
  return { host, steps, apply: (before) => withBootFiles(before, written) };
}

/** A route over a gateway belongs to its link; everything else is as good beside any other. */
function fits(piece: Piece, link: string | undefined): boolean {
  if (piece.kind === 'policy-rule') return true;
  const hop = piece.kind === 'route' ? piece.route.nextHops[0] : undefined;
  return piece.kind === 'route' && (hop?.via === undefined || hop.link === link);
}

function isIptables(piece: Piece): piece is Piece & { kind: 'firewall' } {
  return piece.kind === 'firewall' && piece.table.source !== 'nft' && piece.chain.base !== undefined;
}

/** Behind every file that says otherwise; what a command or ufw sets later than all files is not to be had by one. */
function sysctls(snapshot: Snapshot, pieces: readonly Piece[]): NewFile | undefined {
  const changes = pieces.flatMap((piece) => (piece.kind === 'sysctl' && isFromFile(piece.change.at?.path) ? [piece.change] : []));
  const base = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  const last = changes.flatMap(({ at }) => (at ? [base(at.path)] : [])).reduce((a, b) => (a > b ? a : b), '');
  const path = freePath(snapshot, last < base(sysctlFile) ? sysctlFile : `/etc/sysctl.d/zz-${last}`);
  const lines = changes.map(({ key, now }) => `${sysctlName(key)} = ${now}`);
  return lines.length === 0 ? undefined : { path, lines, as: { path, kind: 'sysctl' } };
}

function isFromFile(path: string | undefined): boolean {
  return path === undefined || path.includes('/sysctl.d/');
}

/** networkd reads drop-ins of a file from a directory named after it, also where the file itself was made by netplan in /run. */
function networkFile(snapshot: Snapshot, base: string, pieces: readonly Piece[]): NewFile {
  const lines = pieces.flatMap((piece) => {
    if (piece.kind === 'policy-rule') return ['[RoutingPolicyRule]', ...ruleKeys(piece.rule)];
    return piece.kind === 'route' ? ['[Route]', ...routeKeys(piece.route)] : [];
  });
  const path = freePath(snapshot, `/etc/systemd/network/${base}.d/transparent-proxy.conf`);
  return { path, lines, as: { path, kind: 'networkd' } };
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

function shield(snapshot: Snapshot): NewFile {
  const path = freePath(snapshot, '/etc/systemd/networkd.conf.d/transparent-proxy.conf');
  return { path, lines: ['[Network]', 'ManageForeignRoutingPolicyRules=no'], as: { path, kind: 'networkd-conf' } };
}

/** A unit that types the commands once the links are up and other services have loaded their own rules. */
function unitFile(snapshot: Snapshot, commands: readonly (readonly string[])[]): NewFile {
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
  const path = freePath(snapshot, '/etc/systemd/system/transparent-proxy.service');
  return { path, lines, as: { path: path.replace('/system/', '/system/multi-user.target.wants/'), kind: 'unit' } };
}

function enable(host: string, path: string, why: string): FixStep {
  const command = (verb: string) => commandLine('systemctl', verb, path.slice(path.lastIndexOf('/') + 1));
  return { host, kind: 'command', run: command('enable'), undo: command('disable'), why };
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
