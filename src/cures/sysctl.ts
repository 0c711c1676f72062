import { factOf } from '../path/world.js';
import type { Cure, Snapshot } from '../types.js';
import { persistOf } from './persistence.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** The name with dots that people know; with slashes, which sysctl(8) takes as well, where a link's name has a dot of its own. */
export function sysctlName(path: string): string {
  return path.includes('.') ? path : path.replaceAll('/', '.');
}

type Sysctls = Readonly<Record<string, string>>;

/** Sets sysctls on one host; keys are paths below /proc/sys. */
export function setSysctls(snapshot: Snapshot, values: Readonly<Record<string, number | string>>, why: string): Cure {
  const sysctls = factOf(snapshot, 'sysctls') ?? {};
  const steps = Object.entries(values).map(([key, value]) => ({
    host: snapshot.host,
    kind: 'command' as const,
    run: assignments([[key, value]]),
    ...undoOf(sysctls, key),
    persist: persistOf('sysctl', snapshot, `${sysctlName(key)} = ${value}`),
    why,
  }));
  const apply = (current: Sysctls) => {
    const after = new Map(Object.entries(current));
    for (const [key, value] of Object.entries(values)) {
      for (const [other, text] of Object.entries(alongWith(current, key, String(value)))) after.set(other, text);
      after.set(key, String(value));
    }
    return Object.fromEntries(after);
  };
  return { host: snapshot.host, steps, apply: (before) => withFact(before, 'sysctls', apply) };
}

function assignments(values: readonly (readonly [string, string | number])[]): string {
  return commandLine('sysctl', '-w', ...values.map(([key, value]) => `${sysctlName(key)}=${value}`));
}

/** Brings the old value back, and what changes with it. Nothing where the old value is not known. */
function undoOf(sysctls: Sysctls, key: string): { undo?: string } {
  const value = sysctls[key];
  if (value === undefined) return {};
  const changed = Object.entries(alongWith(sysctls, key, value)).flatMap(([other, now]) => {
    const before = sysctls[other];
    return before === undefined || before === now ? [] : [[other, before] as const];
  });
  return { undo: assignments([[key, value], ...changed]) };
}

/** What the kernel sets when forwarding is written for all links: inet_forward_change() in net/ipv4/devinet.c, addrconf_forward_change() in net/ipv6/addrconf.c. */
function alongWith(sysctls: Sysctls, key: string, value: string): Sysctls {
  const family = key === 'net/ipv4/ip_forward' ? 4 : key === 'net/ipv6/conf/all/forwarding' ? 6 : undefined;
  if (family === undefined) return {};
  const ofLinks = Object.keys(sysctls).filter((other) => other.startsWith(`net/ipv${family}/conf/`) && other.endsWith('/forwarding'));
  const redirects = family === 4 ? { 'net/ipv4/conf/all/accept_redirects': value === '0' ? '1' : '0' } : {};
  return { ...Object.fromEntries(ofLinks.map((other) => [other, value])), ...redirects };
}
