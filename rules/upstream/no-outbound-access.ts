import { combine } from '../../src/cures/combine.js';
import { masquerade } from '../../src/cures/masquerade.js';
import { setSysctls } from '../../src/cures/sysctl.js';
import { familyOf } from '../../src/net/address.js';
import { contains, network } from '../../src/net/prefix.js';
import { forwards } from '../../src/path/sysctls.js';
import { arrivalAt, connectedPrefixes, factOf, ownersOf, route } from '../../src/path/world.js';
import { brokenBy, distinct, groupBy, list } from '../../src/reasoning/broken.js';
import { misfits, rewritesOn } from '../../src/reasoning/rewrites.js';
import type { Case, Cure, Ping, Rule, Snapshot } from '../../src/types.js';

/** Addresses that nobody outside can answer to (RFC 1918). */
const privatePrefixes = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];

/** What an upstream tried in vain, and where its packets go on nginx's host. */
interface Stopped {
  upstream: string;
  ping: Ping;
  host: string;
  in: string;
  out: string;
  /** The upstream's subnet. */
  subnet: string;
  needs: ('forwarding' | 'masquerade')[];
}

const rule: Rule = {
  title: "upstreams cannot reach the outside through nginx's host",
  why: "A transparent proxy is often its upstreams' default gateway. Their own traffic, for updates or other services, then needs forwarding there, and masquerading where their addresses are private, because nobody outside knows a way back to them.",
  signs: {
    logs: "nginx logs nothing, its services work. On the upstream updates and outgoing requests time out. On nginx's host IpInAddrErrors grows where it does not forward.",
    packets:
      "On nginx's inner link the upstream's packets to the outside. On its outer link nothing (not forwarded), or the same with source 172.16.0.11 and no answer (not masqueraded).",
  },
  proof:
    'A destination named with `--outbound` does not answer to the upstream, and its gateway is an nginx host that does not forward or hide private addresses. Not this: a destination that answers to no ping, and public upstream addresses, which need no masquerading.',
  cure: {
    how: [
      "On nginx's host; the outgoing link matters, else clients are hidden from the upstreams:",
      '  sysctl -w net.ipv4.ip_forward=1',
      '  iptables -t nat -A POSTROUTING -s 172.16.0.0/28 -o eth0 -j MASQUERADE',
      'Then on the upstream:',
      '  ping -c 1 192.168.99.50',
    ].join('\n'),
    touches: ['sysctl', 'firewall'],
  },
  run: (c) => {
    const stopped = [...c.snapshots.values()].flatMap((snapshot) => stoppedOf(c, snapshot));
    return [...groupBy(stopped, ({ host }) => host)].map(([host, all]) => {
      const needs = distinct(all.flatMap((each) => each.needs));
      const lacks = needs.map((need) => (need === 'forwarding' ? 'does not forward' : 'does not masquerade their private addresses'));
      return {
        host,
        severity: 'fault' as const,
        certainty: 'consistent' as const,
        summary: `${list(distinct(all.map(({ upstream }) => upstream)))} cannot reach ${list(distinct(all.map(({ ping }) => ping.to)))}: ${host}, their gateway, ${lacks.join(' and ')}`,
        steps: all
          .slice(0, 4)
          .map(
            (each) => `${each.upstream}: sends to ${each.ping.to} by ${host}, which gets it on ${each.in} and would send it on ${each.out}`,
          ),
        evidence: all.slice(0, 4).map(({ upstream, ping }) => ({ host: upstream, what: ping.text, source: `ping ${ping.to}` })),
        explains: [],
        walks: [],
        cures: cures(c.snapshots.get(host), all),
        verify: all.slice(0, 1).map(({ upstream, ping }) => `on ${upstream}: ping -c 1 ${ping.to}`),
      };
    });
  },
};

function stoppedOf(c: Case, snapshot: Snapshot): Stopped[] {
  return (factOf(snapshot, 'outbound') ?? []).flatMap((ping): Stopped[] => {
    if (ping.ok || familyOf(ping.to) !== 4) return [];
    const first = route(snapshot, { to: ping.to }).answer;
    if (first?.type !== 'unicast' || first.via === undefined) return [];
    const arrival = arrivalAt(c.snapshots, snapshot.host, first.link, first.via);
    const gateway = arrival && c.snapshots.get(arrival.host);
    const sysctls = factOf(gateway, 'sysctls');
    const isProxy = c.services.some(({ host, mode }) => host === arrival?.host && mode !== 'plain');
    const own = connectedPrefixes(snapshot, 4).find(({ link }) => link === first.link)?.prefix;
    const next = route(gateway, { to: ping.to }).answer;
    if (!arrival || !sysctls || !isProxy || own === undefined || next?.type !== 'unicast' || next.link === arrival.link) return [];
    const source = own.replace(/\/.*/, '');
    const flow = { source, destination: ping.to, in: arrival.link, out: next.link };
    // Where DSR replies are stopped for want of forwarding that is the cause already.
    const told = brokenBy(c, 'not-forwarded').some(({ step }) => step.host === arrival.host);
    const needs = [
      ...(forwards(sysctls, arrival.link, 4) || told ? [] : (['forwarding'] as const)),
      ...(knowsWayBack(c, source, ping.to) || masquerades(gateway, flow) ? [] : (['masquerade'] as const)),
    ];
    const place = { host: arrival.host, in: arrival.link, out: next.link };
    return needs.length > 0 ? [{ upstream: snapshot.host, ping, ...place, subnet: network(own) ?? own, needs }] : [];
  });
}

/** Public addresses are known everywhere; of a private one a named host tells itself, and another private network may well know it. */
function knowsWayBack(c: Case, source: string, destination: string): boolean {
  if (!isPrivate(source)) return true;
  const [owner] = ownersOf(c.snapshots, destination);
  return owner === undefined ? isPrivate(destination) : route(c.snapshots.get(owner), { to: source }).answer?.type === 'unicast';
}

function isPrivate(address: string): boolean {
  return privatePrefixes.some((prefix) => contains(prefix, address));
}

function masquerades(
  gateway: Snapshot | undefined,
  { source, destination, in: link, out }: Record<'source' | 'destination' | 'in' | 'out', string>,
): boolean {
  const packet = { family: 4, protocol: 1, source, destination, mark: 0 } as const;
  return rewritesOn(gateway).some(
    (rewrite) => rewrite.by === 'rule' && rewrite.action === 'nat' && misfits(rewrite, { packet, in: link, out }).length === 0,
  );
}

function cures(snapshot: Snapshot | undefined, stopped: readonly Stopped[]): Cure[] {
  if (!snapshot) return [];
  const forwarding = stopped.some(({ needs }) => needs.includes('forwarding'))
    ? [setSysctls(snapshot, { 'net/ipv4/ip_forward': 1 }, "the upstreams' own traffic is passed on")]
    : [];
  const hidden = stopped.filter(({ needs }) => needs.includes('masquerade'));
  const subnets = [...groupBy(hidden, ({ subnet, out }) => `${subnet} ${out}`).values()].flatMap(([first]) => first ?? []);
  const parts = [...forwarding, ...subnets.map(({ subnet, out }) => masquerade(snapshot, subnet, out))];
  return parts.length > 0 ? [combine(snapshot.host, parts)] : [];
}

export default rule;
