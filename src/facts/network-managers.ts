import type { Fact, Host, Query } from '../types.js';
import { fromReply } from './fact.js';
import { namespacesOf, processNames, whereIs } from './processes.js';

/** Programs that bring rules and routes back at boot, or flush those that they do not know, by the name of their process (15 characters). */
const managers: Readonly<Record<string, string>> = {
  'systemd-network': 'systemd-networkd',
  NetworkManager: 'NetworkManager',
  firewalld: 'firewalld',
  dockerd: 'docker',
  tailscaled: 'tailscale',
  wickedd: 'wicked',
  openvpn: 'openvpn',
  charon: 'strongswan',
  'charon-systemd': 'strongswan',
  starter: 'strongswan',
  pluto: 'libreswan',
  keepalived: 'keepalived',
  libvirtd: 'libvirt',
  kubelet: 'kubelet',
};

/** Files that tell of managers that have no process: they act at boot or when they are called. */
const configured: Readonly<Record<string, Query>> = {
  netplan: { glob: '/etc/netplan/*.yaml' },
  ifupdown: { glob: '/etc/network/interfaces' },
  'wg-quick': { glob: '/etc/systemd/system/*.wants/wg-quick@*' },
  'cloud-init': { glob: '/etc/systemd/system/cloud-*.wants/cloud-init*' },
  'ec2-net-utils': { glob: '/usr/lib/udev/rules.d/*vpc-policy-routes*' },
  ufw: { grep: '^ENABLED=yes', in: '/etc/ufw/ufw.conf' },
  'netfilter-persistent': { glob: '/etc/iptables/rules.v[46]' },
};

/** More of their processes than this are not looked at. */
const mostProcesses = 512;

/**
 * Which of the tools that persist or flush network state are at work here: those of another network namespace manage another host, and what
 * files configure is the namespace of the machine's first process.
 */
export async function read(host: Host): Promise<Fact<readonly string[]>> {
  const [running, ...files] = await Promise.all([processNames(host), ...Object.values(configured).map((query) => host(query))]);
  const processes = running.ok ? managingProcesses(running.text).slice(0, mostProcesses) : [];
  const pids = processes.map(({ pid }) => pid);
  const namespaces = await namespacesOf(host, [1, ...pids]);
  const configuredHere = namespaces(1) !== 'elsewhere';
  const found = Object.keys(configured).filter((_, i) => configuredHere && files[i]?.ok && files[i].text.trim() !== '');
  const places = await Promise.all(pids.map((pid) => whereIs(host, pid, namespaces(pid))));
  const here = processes.filter((_, n) => places[n] === 'here').map(({ manager }) => manager);
  return fromReply(running, 'network managers', () => [...new Set([...here, ...found])].sort());
}

/** Processes of managers, from lines `/proc/123/comm:NetworkManager` among others. */
export function managingProcesses(text: string): { pid: number; manager: string }[] {
  return [...text.matchAll(/^\/proc\/(\d{1,10})\/comm:(.+)$/gm)].flatMap(([, pid, name = '']) => {
    const manager = Object.hasOwn(managers, name.trim()) ? managers[name.trim()] : undefined;
    return manager === undefined ? [] : [{ pid: Number(pid), manager }];
  });
}
