import { factOf } from '../path/world.js';
import type { Cure, Snapshot } from '../types.js';
import { persistOf } from './persistence.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** The name with dots that people know; with slashes, which sysctl(8) takes as well, where a link's name has a dot of its own. */
export function sysctlName(path: string): string {
  return path.includes('.') ? path : path.replaceAll('/', '.');
}

/** Sets sysctls on one host; keys are paths below /proc/sys. */
export function setSysctls(snapshot: Snapshot, values: Readonly<Record<string, number | string>>, why: string): Cure {
  const sysctls = factOf(snapshot, 'sysctls') ?? {};
  const steps = Object.entries(values).map(([key, value]) => ({
    host: snapshot.host,
    kind: 'command' as const,
    run: commandLine('sysctl', '-w', `${sysctlName(key)}=${value}`),
    undo: commandLine('sysctl', '-w', `${sysctlName(key)}=${sysctls[key] ?? '0'}`),
    persist: persistOf('sysctl', snapshot, `${sysctlName(key)} = ${value}`),
    why,
  }));
  const set = (text: string) =>
    Object.keys(sysctls)
      .filter((key) => /^net\/ipv4\/conf\/[^/]+\/forwarding$/.test(key))
      .map((key) => [key, text]);
  return {
    host: snapshot.host,
    steps,
    apply: (before) =>
      withFact(before, 'sysctls', (current) => {
        const changed = Object.entries(values).map(([key, value]) => [key, String(value)]);
        // Writing ip_forward sets the value of every link: inet_forward_change() in net/ipv4/devinet.c.
        const forwarding = values['net/ipv4/ip_forward'];
        return {
          ...current,
          ...Object.fromEntries(changed),
          ...(forwarding === undefined ? {} : Object.fromEntries(set(String(forwarding)))),
        };
      }),
  };
}
