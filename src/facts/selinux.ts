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

/**
 * Whether SELinux enforces its policy, and what it denied to nginx lately. The audit log is read where SELinux is in use, and only its end;
 * without auditd the kernel writes denials to its own log.
 */
export async function read(host: Host): Promise<Fact<Selinux>> {
  // The file is there exactly where SELinux is in use, and any user may read it.
  const [found, enforce] = await Promise.all([host({ glob: enforceFile }), host({ read: enforceFile })]);
  if (!found.ok) return unknown(`SELinux: ${found.why}`);
  if (found.text.trim() === '') return known({ mode: 'disabled', denials: [] });
  const mode = modes.get(enforce.ok ? enforce.text.trim() : '');
  if (!mode) return unknown(`SELinux: ${enforce.ok ? `${enforceFile} is neither 0 nor 1` : enforce.why}`);
  const log = await host({ read: auditLog, lastBytes: tailBytes });
  if (log.ok) return known({ mode, denials: parseDenials(log.text) });
  const unread = `${auditLog}: ${log.why}`;
  const denials = isMissing(log.why) ? await kernelDenials(host) : undefined;
  return known(denials ? { mode, denials } : { mode, denials: [], unread });
}

function isMissing(why: string): boolean {
  return /No such file/i.test(why);
}

/** Denials in the kernel's log since boot, from the journal; undefined where there are none, since lines are lost when many are written. */
async function kernelDenials(host: Host): Promise<readonly SelinuxDenial[] | undefined> {
  // Only these lines: what else the kernel tells is nobody's business. --lines would turn their order round.
  const words = ['journalctl', '--dmesg', '--boot', '--quiet', '--no-pager', '--output=cat', '--grep=avc: +denied'];
  const journal = await host({ run: words, timeoutMs: 10_000 });
  const denials = journal.ok ? parseDenials(journal.text) : [];
  return denials.length > 0 ? denials : undefined;
}

/** The denials of nginx in the audit log or the kernel's, in its order; what permissive mode only recorded is left out. */
export function parseDenials(text: string): readonly SelinuxDenial[] {
  return text
    .split('\n')
    .flatMap((line) => parseDenial(line) ?? [])
    .slice(-mostDenials);
}

/** How a line begins: of the audit log, with a host's name or without, and of the kernel's (1400 is AUDIT_AVC). */
const beginning = '(?:node=\\S+ )?type=AVC msg=audit|(?:kernel: )?audit: type=1400 audit';
const denied = new RegExp(`^(?:${beginning})\\((\\d{1,12}(?:\\.\\d{1,3})?):\\d+\\): +avc: +denied +\\{ ((?:\\w{1,100} )+)\\} for +(.*)$`);

function parseDenial(whole: string): SelinuxDenial | undefined {
  if (whole.length > longestLine) return undefined;
  // auditd's format ENRICHED (auditd.conf) adds names for numbers behind a group separator.
  const [line = ''] = whole.split('\x1d');
  const [, stamp, permissions, rest] = denied.exec(line) ?? [];
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
