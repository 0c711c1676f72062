import { reversePathFilter } from '../path/sysctls.js';
import { factOf } from '../path/world.js';
import type { Facts, FirewallTable, Snapshot } from '../types.js';
import { list } from './broken.js';

/**
 * What a cure changes for everything else on its host, beside the services at hand: a sysctl is of the whole host. `after` is the copy on which the cure
 * was carried out. Only what follows from the facts is told.
 */
export function changesForOthers(before: Snapshot, after: Snapshot): string[] {
  const [old, now] = [factOf(before, 'sysctls') ?? {}, factOf(after, 'sysctls') ?? {}];
  const changed = Object.entries(now).filter(([key, value]) => old[key] !== undefined && old[key] !== value);
  const became = (pattern: RegExp, isSo: (was: number, is: number) => boolean) =>
    changed.flatMap(([key, value]) => {
      const found = pattern.exec(key);
      return found && isSo(Number(old[key]), Number(value)) ? [found[1] ?? ''] : [];
    });
  const links = (names: readonly string[]) => (names.includes('all') ? 'every link' : list(names));
  const host = before.host;
  const told: string[] = [];

  for (const [family, key] of [
    [4, /^net\/ipv4\/(ip_forward)$/],
    [6, /^net\/ipv6\/conf\/(all)\/forwarding$/],
  ] as const) {
    const isOpen = became(key, (was, is) => was === 0 && is === 1).length > 0 && !isForwardFiltered(after, family);
    const between = realLinks(before);
    if (isOpen && between.length > 1)
      told.push(
        `${host} then forwards IPv${family} for everyone who sends through it: no rule of its firewall limits that between ${list(between)}`,
      );
  }
  const looser = realLinks(before).filter((link) => strictness(now, link) < strictness(old, link));
  if (looser.length > 0)
    told.push(`${list(looser)} of ${host} then lets in sources that do not belong there, for every service of the host`);
  const own = became(/^net\/ipv4\/conf\/([^/]+)\/accept_local$/, (was, is) => was === 0 && is === 1);
  if (own.length > 0) told.push(`${links(own)} of ${host} then takes packets that bear the host's own addresses as source`);
  if (became(/^(net\/ipv4\/ip_unprivileged_port_start)$/, (was, is) => is < was).length > 0)
    told.push(`any process of ${host} may then listen on ports that were root's`);
  const tunnels = tunnelLinks(before);
  if (became(/^net\/ipv4\/conf\/([^/]+)\/src_valid_mark$/, (was, is) => was === 1 && is === 0).length > 0 && tunnels.length > 0)
    told.push(`${list(tunnels)} of ${host} may count on src_valid_mark, and wg-quick sets it again when it starts`);
  return told;
}

/** Of what is in force on a link, which is not the number of any one sysctl: 0 off, 1 loose, 2 strict. */
function strictness(sysctls: Facts['sysctls'], link: string): number {
  return [0, 2, 1][reversePathFilter(sysctls, link)] ?? 0;
}

function realLinks(snapshot: Snapshot): string[] {
  return (factOf(snapshot, 'links') ?? []).flatMap(({ name, up }) => (up && name !== 'lo' ? name : []));
}

function tunnelLinks(snapshot: Snapshot): string[] {
  return (factOf(snapshot, 'links') ?? []).flatMap(({ name, kind }) => (kind === 'wireguard' || kind === 'tun' ? name : []));
}

/** Whether anything in forward drops or rejects, or lets nothing pass by itself: what it lets pass then is its administrator's will. */
function isForwardFiltered(snapshot: Snapshot, family: 4 | 6): boolean {
  const tables: FirewallTable[] = (['iptablesLegacy', 'iptablesNft', 'nft'] as const).flatMap((name) => factOf(snapshot, name) ?? []);
  return tables
    .filter((table) => table.family === 'inet' || table.family === (family === 4 ? 'ip' : 'ip6'))
    .some(({ chains }) => chains.some(({ base, policy, rules }) => base?.hook === 'forward' && (policy === 'drop' || rules.length > 0)));
}
