import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Engine, Heard } from './engine.js';
import { type CapturePlan, ringKiB } from './plan.js';

/** What the child is told, as JSON in its one argument. */
export interface PcapTask {
  iface: string;
  filter: string;
  snapLength: number;
  ringBytes: number;
}

/** libpcap by way of the optional package `pcap`, in a child process, for hosts that are this machine or a network namespace of it. */
export function pcapEngine(child: string): Engine {
  return {
    name: 'pcap',
    command: ({ iface, filter, snapLength }) => {
      const task: PcapTask = { iface, filter, snapLength, ringBytes: ringKiB * 1024 };
      return [process.execPath, child, JSON.stringify(task)];
    },
    hear,
  };
}

/** The engine, where the package could be built when it was installed. */
export function installedPcap(): Engine | undefined {
  const child = fileURLToPath(new URL('./pcap-child.js', import.meta.url));
  return existsSync(child) && isInstalled() ? pcapEngine(child) : undefined;
}

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url)('pcap');
    return true;
  } catch {
    return false;
  }
}

/** The package cannot be told a direction, and libpcap shows what comes and goes on the loopback once, anyway. */
export function pcapCan({ iface, direction }: CapturePlan): boolean {
  return direction === undefined || iface === 'lo';
}

function hear(line: string): Heard {
  const said = parsed(line);
  // Whatever comes before the child speaks: nsenter, the shell, node itself.
  if (said === undefined)
    return line.trim() === '' || line.startsWith('(node:') ? { kind: 'nothing' } : { kind: 'complaint', text: line.trim() };
  if (said.ready === true) return { kind: 'ready' };
  if (typeof said.why === 'string') return { kind: 'complaint', text: said.why };
  const { captured, received, dropped } = said;
  const isCounts = [captured, received, dropped].every((count) => typeof count === 'number');
  return isCounts ? { kind: 'counts', counts: { captured, received, dropped } as Record<string, number> } : { kind: 'nothing' };
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const said: unknown = JSON.parse(line);
    return typeof said === 'object' && said !== null ? { ...said } : undefined;
  } catch {
    return undefined;
  }
}
