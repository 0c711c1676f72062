import type { Cure, FixStep, SelinuxDenial, Snapshot } from '../types.js';
import { nameHash } from './name-hash.js';
import { quote } from './shell.js';
import { withFact } from './snapshot.js';

/** Lets nginx do what was denied: by the boolean that is there for connections, else by a policy module of exactly these denials. */
export function allowDenied(snapshot: Snapshot, denials: readonly SelinuxDenial[]): Cure | undefined {
  const connections = denials.filter(isConnection);
  const others = denials.filter((denial) => !isConnection(denial));
  const steps = [
    ...(connections.length > 0 ? [connecting(snapshot.host)] : []),
    ...(others.length > 0 ? [policyModule(snapshot.host, others)] : []),
  ];
  if (steps.length === 0) return undefined;
  return { host: snapshot.host, steps, apply: (before) => withFact(before, 'selinux', (selinux) => ({ ...selinux, denials: [] })) };
}

/** httpd_can_network_connect is a boolean of the domain that distributions run nginx in. */
function isConnection({ source, permissions, class: kind }: SelinuxDenial): boolean {
  return source === 'httpd_t' && kind === 'tcp_socket' && permissions.every((permission) => permission === 'name_connect');
}

function connecting(host: string): FixStep {
  const set = (value: string) => `setsebool -P httpd_can_network_connect ${value}`;
  return { host, kind: 'command', run: set('on'), undo: set('off'), why: 'nginx may then connect to any port' };
}

/** Each kind of denial once: audit2allow makes a rule of the line itself. */
function policyModule(host: string, denials: readonly SelinuxDenial[]): FixStep {
  const kinds = new Map(
    denials.map((denial) => [`${denial.source} ${denial.target} ${denial.class} ${denial.permissions.join(' ')}`, denial]),
  );
  const lines = [...kinds.values()].map(({ text }) => quote(text)).join(' ');
  // A module of the same name would be replaced, and what it allows denied again.
  const name = `nginx_transparent_${nameHash([...kinds.keys()].sort().join('\n'))}`;
  return {
    host,
    kind: 'command',
    run: `d=$(mktemp -d) && (cd "$d" && printf '%s\\n' ${lines} | audit2allow -M ${name} && semodule -i ${name}.pp) && rm -r "$d"`,
    undo: `semodule -r ${name}`,
    why: 'a policy module that allows what was denied and nothing else (audit2allow is in policycoreutils-python-utils)',
  };
}
