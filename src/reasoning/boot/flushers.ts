import { frontEndOf } from '../../cures/front-end.js';
import type { Piece } from '../../cures/piece.js';
import { factOf } from '../../path/world.js';
import type { BootFile, FirewallTable, Snapshot } from '../../types.js';
import type { Boot } from './boot.js';

/** From this version on systemd-networkd takes away policy rules that its files do not name. */
const flushesSince = 248;
const no = /^(?:no|false|0|off|n|f)$/i;

/** The last value of a key in files that are read in this order. */
function lastValue(files: readonly BootFile[], key: RegExp): string | undefined {
  return files
    .flatMap(({ lines }) => lines.flatMap(({ text }) => (key.test(text) ? [text.slice(text.indexOf('=') + 1).trim()] : [])))
    .at(-1);
}

/** Whether systemd-networkd is at work on a link of this host and takes away rules that others made, each time it configures a link: at its start, or when one is made anew. */
export function flushesRules(snapshot: Snapshot, boot: Boot): boolean {
  const runs = factOf(snapshot, 'networkManagers')?.includes('systemd-networkd') ?? false;
  // Those below /usr are for containers and come with every systemd.
  const manages = boot.links.some(({ file }) => file.kind === 'networkd' && !file.path.startsWith('/usr/'));
  if (!runs || !manages || (boot.configuration.systemd ?? 0) < flushesSince) return false;
  const settings = boot.files.filter(({ kind }) => kind === 'networkd-conf');
  return !no.test(lastValue(settings, /^ManageForeignRoutingPolicyRules\s*=/) ?? 'yes');
}

/**
 * Whether firewalld takes away what others put into a table: of the back end that `iptables` stands for it empties all, whatever
 * FirewallBackend and FlushAllOnReload say (seen with 1.3.3), and brings back its direct rules alone. Tables of nft it leaves alone.
 */
export function firewalldEmpties(snapshot: Snapshot, { source }: FirewallTable): boolean {
  return source !== 'nft' && source === frontEndOf(snapshot) && (factOf(snapshot, 'networkManagers')?.includes('firewalld') ?? false);
}

/** Who takes a piece away before a reboot does, and when; undefined where nobody is known to. */
export function flusherOf(snapshot: Snapshot, boot: Boot, piece: Piece): string | undefined {
  if (piece.kind === 'policy-rule' && flushesRules(snapshot, boot))
    return `systemd-networkd ${boot.configuration.systemd} takes it away when it configures a link anew, as at its own start (ManageForeignRoutingPolicyRules=yes is its default)`;
  if (piece.kind !== 'firewall') return undefined;
  if (firewalldEmpties(snapshot, piece.table))
    return 'firewalld empties the tables of iptables at each reload, and when it starts or stops';
  const ruleset = boot.files.find(({ kind, lines }) => kind === 'nft' && lines.some(({ text }) => /^\s*flush ruleset\b/.test(text)));
  if (ruleset && piece.table.source !== 'iptables-legacy')
    return `nftables.service takes it away at each reload: ${ruleset.path} begins with flush ruleset`;
  return undefined;
}
