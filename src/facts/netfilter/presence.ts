import type { Host, Reply } from '../../types.js';

/**
 * Whether nf_tables is in the running kernel: true, false, or the reason why that is not known.
 * Asking nft where it is not would load it. A module has a directory; built in, only its symbols show.
 */
export async function nfTablesPresent(host: Host): Promise<boolean | string> {
  const [module, symbols] = await Promise.all([
    host({ glob: '/sys/module/nf_tables' }),
    host({ grep: ' nft_do_chain', in: '/proc/kallsyms' }),
  ]);
  if (module.ok && module.text.trim() !== '') return true;
  if (!symbols.ok) return `whether the kernel has nf_tables: ${symbols.why}`;
  return symbols.text.trim() !== '';
}

/** The shell, the kernel and our own host layer each have their words for a program or file that is not there. */
export function isMissing(reply: Reply): boolean {
  return !reply.ok && /not found|no such file|ENOENT/i.test(reply.why);
}

/** Whether the multi-call binary of a back end is installed, which tells what a plain `iptables-save` is. */
export async function hasBackEnd(host: Host, backEnd: 'nft' | 'legacy'): Promise<boolean> {
  const folders = ['/usr/sbin', '/sbin', '/usr/local/sbin', '/usr/bin'];
  const replies = await Promise.all(folders.map((folder) => host({ glob: `${folder}/xtables-${backEnd}-multi` })));
  return replies.some((reply) => reply.ok && reply.text.trim() !== '');
}
