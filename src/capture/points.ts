import type { LiveTarget } from '../host/target.js';
import { isAddress, sameAddress } from '../net/address.js';
import { contains, everything } from '../net/prefix.js';
import type { Address, FactName, Facts, Link, Snapshot, Walk } from '../types.js';
import { type Flows, filterFor } from './filter.js';
import type { CapturePlan } from './plan.js';

/** What decides where a host is looked at. */
export interface Wanted {
  /** Predicted ways of the services that are traced. */
  walks: readonly Walk[];
  flows: Flows;
  /** Bytes kept of each frame. */
  snapLength: number;
}

/** Of one host. */
export const mostPoints = 12;

/** The captures for one live host, those on predicted ways first; empty when its links are not known. Devices that do not tell direction have two. */
export function plansFor(snapshot: Snapshot, target: LiveTarget, { walks, flows, snapLength }: Wanted): CapturePlan[] {
  const links = factOf(snapshot, 'links') ?? [];
  const chosen = linksOf(snapshot, links, walks, flows).slice(0, mostPoints);
  return chosen.flatMap((link) => {
    const { name: iface, index } = link;
    const filter = filterFor(flows, { ethernet: isEthernet(link) });
    return lookedAt(link, links).map((direction) => ({ host: snapshot.host, target, iface, index, filter, snapLength, ...direction }));
  });
}

/** By what the direction of frames is told; of two captures, each has its own. */
function lookedAt(link: Link, links: readonly Link[]): Pick<CapturePlan, 'mac' | 'direction'>[] {
  // What a host sends to itself is seen once, where it comes in.
  if (isLoopback(link)) return [{ direction: 'in' }];
  if (link.mac !== undefined && macTellsDirection(link, links)) return [{ mac: link.mac }];
  return [{ direction: 'in' }, { direction: 'out' }];
}

/** Links that are up: on predicted ways, towards clients and upstreams, towards everything else. */
function linksOf(snapshot: Snapshot, links: readonly Link[], walks: readonly Walk[], flows: Flows): Link[] {
  const addresses = factOf(snapshot, 'addresses') ?? [];
  const names = [
    ...onWalks(snapshot.host, walks),
    ...nearby(addresses, flows.addresses),
    ...ownUpstream(snapshot.host, links, addresses, walks),
    ...towardsAll(snapshot),
  ];
  return [...new Set(names)].flatMap((name) => links.find((link) => link.name === name && link.up) ?? []);
}

function onWalks(host: string, walks: readonly Walk[]): string[] {
  const steps = walks.flatMap((walk) => walk.steps.filter((step) => step.host === host));
  return steps.flatMap((step) =>
    [step.in ?? [], step.out ?? [], step.route?.answer?.type === 'unicast' ? step.route.answer.link : []].flat(),
  );
}

function nearby(addresses: readonly Address[], parties: readonly string[]): string[] {
  const near = addresses.filter(({ address, prefixLength, scope }) => {
    const subnet = `${address}/${prefixLength}`;
    return scope !== 'host' && parties.some((party) => isAddress(party) && contains(subnet, party));
  });
  return near.map(({ link }) => link);
}

/** The loopback, where nginx and an upstream of it share a host. */
function ownUpstream(host: string, links: readonly Link[], addresses: readonly Address[], walks: readonly Walk[]): string[] {
  const isOwn = walks.some(
    ({ service, upstream }) => service.host === host && addresses.some(({ address }) => sameAddress(address, upstream.address)),
  );
  return isOwn ? links.filter(isLoopback).map(({ name }) => name) : [];
}

function towardsAll(snapshot: Snapshot): string[] {
  const defaults = (factOf(snapshot, 'routes') ?? []).filter(({ to, family, type }) => to === everything(family) && type === 'unicast');
  return defaults.flatMap(({ nextHops }) => nextHops.flatMap(({ link }) => link ?? []));
}

const macForm = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

function isEthernet({ mac }: Link): boolean {
  return mac !== undefined && macForm.test(mac);
}

function isLoopback({ name, mac }: Link): boolean {
  return name === 'lo' || mac === '00:00:00:00:00:00';
}

/**
 * Whether all that leaves by this link, and nothing else, bears its Ethernet address. Not so on ports of a bridge, which send the frames of
 * others, nor on any link of a host with macvlans, whose frames leave under their own addresses by the link below; which one that is, no fact tells.
 */
function macTellsDirection(link: Link, links: readonly Link[]): boolean {
  return isEthernet(link) && link.master === undefined && !links.some(({ kind }) => kind === 'macvlan' || kind === 'macvtap');
}

function factOf<N extends FactName>(snapshot: Snapshot, name: N): Facts[N] | undefined {
  const fact = snapshot.facts[name];
  return fact?.ok ? fact.value : undefined;
}
