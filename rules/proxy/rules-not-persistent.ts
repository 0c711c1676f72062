import { keepPieces } from '../../src/cures/keep.js';
import { type Piece, pieceSource, pieceText } from '../../src/cures/piece.js';
import { type Boot, bootOf } from '../../src/reasoning/boot/boot.js';
import { bootFirewall, bringsFirewallRule } from '../../src/reasoning/boot/firewall.js';
import { flusherOf, flushesRules } from '../../src/reasoning/boot/flushers.js';
import { bringsRule } from '../../src/reasoning/boot/ip-words.js';
import { bringersOf, lostPieces } from '../../src/reasoning/boot/lost.js';
import { type Needed, neededOf } from '../../src/reasoning/boot/needed.js';
import { unloadedFile } from '../../src/reasoning/boot/unloaded.js';
import { distinct, list } from '../../src/reasoning/broken.js';
import type { Case, Conclusion, Cure, Evidence, Rule, Snapshot } from '../../src/types.js';

const mostTold = 24;

const rule: Rule = {
  title: 'what the services need of the kernel is gone after a reboot, or sooner',
  why: 'ip, sysctl, tc, nft and iptables change the running kernel and nothing else. After a reboot only that is there which some file brings back; and some services take away what is not in files of their own: systemd-networkd policy rules (from version 248 on, whenever it configures a link: at its start, or when a link is made anew), firewalld all rules of iptables but its own direct ones (at each reload, whatever its back end), nftables.service the whole rule set (at a reload, where its file begins with flush ruleset).',
  signs: {
    logs: 'None today: everything works. After the next reboot, or an upgrade that restarts systemd-networkd, clients get 504 and nginx logs "upstream timed out (110: Connection timed out)", though nobody changed a configuration.',
    packets:
      'Then: the reply 172.16.0.11:80 > client comes in on the side of 172.16.0.1 and is dropped or forwarded, as if the rule, the policy rule or the table had never been made.',
  },
  proof:
    'A piece that a predicted path breaks without, and that no file read at boot makes: compared by meaning, not by text, over saved rules, nft files and what they include, ifupdown, netplan, systemd-networkd, NetworkManager, ifcfg files, sysctl.d, ufw, firewalld, and the scripts of enabled units. A saved file that nothing loads does not count. Not judged: a network namespace other than that of process 1, containers, files that may not be read, and pieces that a script makes from variables.',
  cure: {
    how: [
      'Write the same into what this host reads at boot. With systemd-networkd that is `[RoutingPolicyRule] FirewallMark=1 Table=100` and `[Route] Destination=0.0.0.0/0 Type=local Table=100` in a drop-in of its .network file. Elsewhere /etc/network/interfaces or a oneshot unit runs the commands:',
      '  ip rule add fwmark 1 lookup 100',
      '  ip route add local 0.0.0.0/0 dev lo table 100',
    ].join('\n'),
    touches: ['policy-rule', 'route', 'sysctl', 'firewall', 'traffic-control', 'unit'],
  },
  run: (c) => [...c.snapshots.values()].flatMap((snapshot) => conclude(c, snapshot)),
};

function conclude(c: Case, snapshot: Snapshot): Conclusion[] {
  if (c.roles.get(snapshot.host)?.every((role) => role === 'client')) return [];
  const boot = bootOf(snapshot);
  // What a cure has just added says itself how it lasts.
  const asRead = c.read?.get(snapshot.host) ?? snapshot;
  const needed = boot ? neededOf(c, snapshot.host, lostPieces(asRead, boot)) : [];
  if (!boot || needed.length === 0) return [];
  const { host } = snapshot;
  const pieces = needed.map(({ lost }) => lost);
  const walks = c.walks.filter((walk) => needed.some((each) => each.walks.includes(walk)));
  const services = distinct(walks.map(({ service }) => service.id));
  const cure = cureFor(snapshot, boot, pieces);
  return [
    {
      host,
      severity: 'risk',
      certainty: 'consistent',
      summary: `${list(services)} needs what ${host} forgets at its next boot: ${list(pieces.map(pieceText), 3)}`,
      steps: needed.slice(0, mostTold).map((each) => story(snapshot, boot, each)),
      evidence: needed.slice(0, mostTold).map(({ lost }): Evidence => ({ host, what: pieceText(lost), source: pieceSource(lost) })),
      explains: services.map((service) => `${service}: fails after a reboot of ${host}, with no change of any configuration`),
      walks,
      cures: cure ? [cure] : [],
      verify: distinct(pieces.map((piece) => `after the next reboot: ${pieceSource(piece).replace(/^\/proc/, 'cat /proc')}`)).slice(0, 3),
      settle: 'a reboot of this host in a quiet hour, with tpdoctor check before and after',
    },
  ];
}

function story(snapshot: Snapshot, boot: Boot, { lost }: Needed): string {
  const what = pieceText(lost);
  if (lost.kind === 'sysctl') {
    const { then, at } = lost.change;
    return at
      ? `${what} now, and ${at.path}${at.line ? `:${at.line}` : ''} sets ${then}`
      : `${what} is in no file: the kernel's own value is ${then}`;
  }
  const flusher = flusherOf(snapshot, boot, lost);
  if (isBroughtInVain(boot, lost)) return `${what} comes back at boot, but ${flusher}`;
  const idle = unloadedFile(snapshot, boot, lost);
  const absence = idle ? `stands in ${idle.path}, which nothing loads at boot` : 'is in no file that is read at boot';
  return `${what} ${absence}${flusher === undefined ? '' : `, and ${flusher}`}`;
}

/** A piece that is lost all the same: systemd-networkd or firewalld takes it away. */
function isBroughtInVain(boot: Boot, piece: Piece): boolean {
  if (piece.kind === 'policy-rule') return bringersOf(boot, (statement) => bringsRule(statement, piece.rule)).commands !== 'no';
  if (piece.kind !== 'firewall') return false;
  return bringsFirewallRule(bootFirewall(boot.files, boot.commands), piece.table, piece.chain, piece.rule) !== 'no';
}

function cureFor(snapshot: Snapshot, boot: Boot, pieces: readonly Piece[]): Cure | undefined {
  const unwritten = pieces.filter((piece) => piece.kind !== 'policy-rule' || !isBroughtInVain(boot, piece));
  const network = networkFile(boot);
  const others = unwritten.length < pieces.length || network === undefined;
  return keepPieces(snapshot, unwritten, { ...(network ? { network } : {}), shielded: others && flushesRules(snapshot, boot) });
}

/** A file of networkd's that is applied to a link of this host, and the link if it names one. */
function networkFile({ links }: Boot): { base: string; link?: string } | undefined {
  const file = links
    .map((each) => each.file)
    .find(({ kind, path }) => kind === 'networkd' && /^\/(?:etc|run)\/systemd\/network\/[^/]+\.network$/.test(path));
  if (!file) return undefined;
  const link = file.lines.map(({ text }) => /^\s*Name=([^\s*?[!]+)\s*$/.exec(text)?.[1]).find((name) => name !== undefined);
  return { base: file.path.slice(file.path.lastIndexOf('/') + 1), ...(link === undefined ? {} : { link }) };
}

export default rule;
