import type { Fact, Host, Selinux, SelinuxDenial } from '../types.js';
import { known, unknown } from './fact.js';

const enforceFile = '/sys/fs/selinux/enforce';
const modes = new Map([
  ['1', 'enforcing' as const],
  ['0', 'permissive' as const],
]);
const auditLog = '/var/log/audit/audit.log';
const tailBytes = 256 << 10;
const longestLine = 1000;
/** As many of the most recent denials as are kept. */
const mostDenials = 200;

/** Whether SELinux enforces its policy, and what it denied to nginx lately. The audit log is read where SELinux is in use, and only its end. */
export async function read(host: Host): Promise<Fact<Selinux>> {
  // The file is there exactly where SELinux is in use, and any user may read it.
  const [found, enforce] = await Promise.all([host({ glob: enforceFile }), host({ read: enforceFile })]);
  if (!found.ok) return unknown(`SELinux: ${found.why}`);
  if (found.text.trim() === '') return known({ mode: 'disabled', denials: [] });
  const mode = modes.get(enforce.ok ? enforce.text.trim() : '');
  if (!mode) return unknown(`SELinux: ${enforce.ok ? `${enforceFile} is neither 0 nor 1` : enforce.why}`);
  const log = await host({ read: auditLog, lastBytes: tailBytes });
  return known(log.ok ? { mode, denials: parseDenials(log.text) } : { mode, denials: [], unread: `${auditLog}: ${log.why}` });
}

/** The denials of nginx in the audit log, in its order; what permissive mode only recorded is left out. */
export function parseDenials(text: string): readonly SelinuxDenial[] {
  return text
    .split('\n')
    .flatMap((line) => parseDenial(line) ?? [])
    .slice(-mostDenials);
}

function parseDenial(line: string): SelinuxDenial | undefined {
  if (line.length > longestLine) return undefined;
  const [, stamp, permissions, rest] =
    /^(?:node=\S+ )?type=AVC msg=audit\((\d{1,12}(?:\.\d{1,3})?):\d+\): +avc: +denied +\{ ((?:\w{1,100} )+)\} for +(.*)$/.exec(line) ?? [];
  if (stamp === undefined || permissions === undefined || rest === undefined) return undefined;
  if (!/(?:^| )comm="(?:nginx|nginx-debug|openresty)"(?: |$)/.test(rest) || / permissive=1(?: |$)/.test(rest)) return undefined;
  const [source, target, kind] = [
    contextType(rest, 'scontext'),
    contextType(rest, 'tcontext'),
    / tclass=(\w{1,100})(?: |$)/.exec(rest)?.[1],
  ];
  if (source === undefined || target === undefined || kind === undefined) return undefined;
  const port = Number(/ (?:dest|src)=(\d{1,5})(?: |$)/.exec(rest)?.[1] ?? 0);
  return {
    at: Number(stamp),
    permissions: permissions.trim().split(' '),
    source,
    target,
    class: kind,
    ...(port >= 1 && port <= 65_535 ? { port } : {}),
    text: line,
  };
}

/** The third part of `system_u:system_r:httpd_t:s0`. */
function contextType(rest: string, name: string): string | undefined {
  return new RegExp(` ${name}=\\w+:\\w+:(\\w{1,100})(?::\\S*)?(?: |$)`).exec(rest)?.[1];
}
