import { setSysctls, sysctlName } from '../../src/cures/sysctl.js';
import { sysctl } from '../../src/path/sysctls.js';
import { factOf } from '../../src/path/world.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { linkSysctl, sourceVerdict } from '../../src/reasoning/source-validation.js';
import type { Case, Cure, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: 'src_valid_mark makes source validation drop every marked reply',
  why: "With src_valid_mark=1 (several VPN clients set it) the kernel looks the way back to the source up with the packet's mark. The mark leads to the local table, so the upstream looks like an address of this host, and the reply is dropped as martian, even with rp_filter off. No counter of the namespace moves.",
  signs: {
    logs: '504 for every marked service: `upstream timed out (110: Connection timed out) while connecting to upstream`. Nothing in nstat moves, rp_filter\'s counter neither. Only the column in_martian_src of /proc/net/stat/rt_cache grows (hexadecimal, for the whole machine), and with log_martians=1 the kernel log has "martian source 192.168.99.50 from 172.16.0.11, on dev eth1".',
    packets: "SYN from the client's address and SYN-ACK on the link to the upstreams, over and over.",
  },
  proof:
    "The look-up of the reply with its mark is refused as an invalid source, and with src_valid_mark=0 it says `local`. The value alone is no fault: unmarked traffic does not care, and accept_local=1 on that link makes up for it. WireGuard's wg-quick sets it.",
  cure: {
    how: [
      "Clear it, for the effective value is the larger of `all` and the link's:",
      '  sysctl -w net.ipv4.conf.all.src_valid_mark=0',
      "Where a VPN needs it, admit such sources on the upstreams' link instead:",
      '  sysctl -w net.ipv4.conf.eth1.accept_local=1',
    ].join('\n'),
    touches: ['sysctl'],
  },
  run: (c) => {
    const dropped = brokenBy(c, 'source-invalid').filter((broken) => isMarkedMartian(c, broken));
    return [...groupBy(dropped, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `src_valid_mark=1 on ${host} makes the kernel drop every marked reply as martian (${serviceList(broken)})`,
        because: ['looked up with its mark, the way back to the upstream is the local table: the source counts as martian'],
        evidence: settings(c.snapshots.get(host), broken),
        cures: cures(c.snapshots.get(host), broken),
        verify: distinct(
          broken.map(
            ({ step, walk }) =>
              `ip route get ${walk.client} from ${step.packet.source} iif ${step.in} mark 0x${step.packet.mark.toString(16)}   # must say "local"`,
          ),
        ),
      }),
    );
  },
};

function isMarkedMartian(c: Case, { step }: Broken): boolean {
  if (step.packet.mark === 0) return false;
  const verdict = sourceVerdict(c, step);
  return verdict?.valid === false && verdict.reason === 'marked-martian';
}

function links(broken: readonly Broken[]): string[] {
  return distinct(broken.flatMap(({ step }) => step.in ?? []));
}

function settings(snapshot: Snapshot | undefined, broken: readonly Broken[]) {
  const sysctls = factOf(snapshot, 'sysctls') ?? {};
  const keys = ['all', ...links(broken)].map((link) => linkSysctl(link, 'src_valid_mark')).filter((key) => sysctl(sysctls, key) > 0);
  return keys.map((key) => ({ host: snapshot?.host ?? '', what: `${sysctlName(key)} = ${sysctls[key]}`, source: `/proc/sys/${key}` }));
}

/** Clearing it is plain; where something needs it, accept_local on the upstreams' link does as well. */
function cures(snapshot: Snapshot | undefined, broken: readonly Broken[]): Cure[] {
  if (!snapshot) return [];
  const sysctls = factOf(snapshot, 'sysctls') ?? {};
  const set = ['all', ...links(broken)].map((link) => linkSysctl(link, 'src_valid_mark')).filter((key) => sysctl(sysctls, key) > 0);
  const cleared = Object.fromEntries(set.map((key) => [key, 0]));
  const accepted = Object.fromEntries(links(broken).map((link) => [linkSysctl(link, 'accept_local'), 1]));
  return [
    setSysctls(snapshot, cleared, 'source validation then ignores the mark'),
    setSysctls(snapshot, accepted, 'a source that looks local is then let in on this link'),
  ];
}

export default rule;
