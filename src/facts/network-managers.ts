import type { Fact, Host } from '../types.js';
import { fromReply } from './fact.js';

/** Programs that bring rules and routes back at boot, or flush those that they do not know, by the name of their process (15 characters). */
const managers: Readonly<Record<string, string>> = {
  'systemd-network': 'systemd-networkd',
  NetworkManager: 'NetworkManager',
  firewalld: 'firewalld',
  dockerd: 'docker',
  ufw: 'ufw',
  tailscaled: 'tailscale',
  'wg-quick': 'wg-quick',
};

export async function read(host: Host): Promise<Fact<readonly string[]>> {
  const pattern = `^\\(${Object.keys(managers).join('\\|')}\\)$`;
  return fromReply(await host({ grep: pattern, in: '/proc/[0-9]*/comm' }), 'network managers', parseManagers);
}

/** Lines `/proc/123/comm:NetworkManager`. */
export function parseManagers(text: string): string[] {
  const names = text.split('\n').map((line) => managers[line.slice(line.indexOf(':') + 1).trim()]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}
