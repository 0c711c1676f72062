import type { NginxMaster, ProcessStatus, Service } from '../../types.js';
import type { Trail } from '../trail.js';
import { factOf, whyMissing } from '../world.js';

const capNetBindService = 10n;
const capNetAdmin = 12n;
const capNetRaw = 13n;

/** Whether a capability mask (hexadecimal, from /proc/PID/status) lets a process set IP_TRANSPARENT: CAP_NET_RAW or CAP_NET_ADMIN, see do_ip_setsockopt(). */
export function maySpoof(mask: string): boolean {
  return has(mask, capNetRaw) || has(mask, capNetAdmin);
}

/** nginx keeps CAP_NET_RAW alone for its workers; without it in the bounding set their capset() fails and they die. */
export function hasNetRaw(mask: string): boolean {
  return has(mask, capNetRaw);
}

export function hasNetAdmin(mask: string): boolean {
  return has(mask, capNetAdmin);
}

/** Whether a process may bind to ports below ip_unprivileged_port_start. */
export function mayBindLowPorts(mask: string): boolean {
  return has(mask, capNetBindService);
}

function has(mask: string, bit: bigint): boolean {
  return /^[0-9a-f]{1,16}$/i.test(mask) && ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n;
}

/** nginx itself: does it have a worker, and can that worker bind to the client's address? */
export function bindUpstreamSocket(trail: Trail, service: Service): void {
  trail.leg = 'forward';
  trail.arrive(service.host, undefined);
  // Towards the upstream nginx opens a connection of its own.
  trail.connectionMarks.clear();
  const master = factOf(trail.snapshot, 'nginx')?.masters.find((candidate) => candidate.pid === service.master);
  if (!master) {
    trail.add({ place: 'nginx', code: 'unknown', did: whyMissing(trail.snapshot, 'nginx'), outcome: 'unknown' });
    return;
  }
  checkWorkers(trail, master);
  if (!trail.broken) checkBind(trail, service);
}

function checkWorkers(trail: Trail, master: NginxMaster): void {
  if (master.workers.length === 0) {
    const by = [{ what: `CapBnd: ${master.boundingCapabilities}`, source: `/proc/${master.pid}/status` }];
    trail.add({ place: 'nginx', code: 'worker-dead', did: `master ${master.pid} has no worker left`, by, outcome: 'broken' });
    return;
  }
  const unable = master.workers.find((worker) => !maySpoof(worker.effectiveCapabilities));
  if (!unable) return;
  const did = `worker ${unable.pid} may not bind to a foreign address (neither CAP_NET_RAW nor CAP_NET_ADMIN)`;
  trail.add({ place: 'nginx', code: 'worker-cannot-spoof', did, by: [capabilityProvenance(unable)], outcome: 'broken' });
}

export function capabilityProvenance(worker: ProcessStatus): { what: string; source: string } {
  return { what: `CapEff: ${worker.effectiveCapabilities}, uid ${worker.uid}`, source: `/proc/${worker.pid}/status` };
}

function checkBind(trail: Trail, service: Service): void {
  const { bind } = service;
  if (!bind) return;
  const by = [{ what: `proxy_bind ${bind.text}${bind.transparent ? ' transparent' : ''}`, source: `${bind.at.file}:${bind.at.line}` }];
  if (bind.address === 'unknown') {
    trail.add({ place: 'nginx', code: 'unknown', did: `what proxy_bind ${bind.text} yields cannot be told`, by, outcome: 'unknown' });
  } else if (!bind.transparent) {
    const did = `nginx binds to ${trail.packet.source} without IP_TRANSPARENT, which the kernel refuses`;
    trail.add({ place: 'nginx', code: 'bind-not-transparent', did, by, outcome: 'broken' });
  } else if (trail.packet.source.includes(':') !== trail.packet.destination.includes(':')) {
    const did = `client ${trail.packet.source} and upstream ${trail.packet.destination} are of different families`;
    trail.add({ place: 'nginx', code: 'family-mismatch', did, by, outcome: 'broken' });
  } else {
    trail.add({ place: 'nginx', code: 'bound', did: `nginx binds to ${trail.packet.source}`, by });
  }
}
