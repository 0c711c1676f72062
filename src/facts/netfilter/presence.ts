import type { Host, Reply } from '../../types.js';

/**
 * Whether nf_tables is in the running kernel: true, false, or the reason why that is not known. Asking nft where it is not would load it.
 * A module has a directory. Built in, the kernel's configuration says so where it is there to read; else its symbols show, which takes a
 * look at 200,000 of them.
 */
export async function nfTablesPresent(host: Host): Promise<boolean | string> {
  const [module, config] = await Promise.all([host({ glob: '/sys/module/nf_tables' }), kernelConfig(host)]);
  if (module.ok && module.text.trim() !== '') return true;
  if (config.ok && config.text !== '') return /^CONFIG_NF_TABLES=y$/m.test(config.text);
  const symbols = await host({ grep: ' nft_do_chain', in: '/proc/kallsyms' });
  if (!symbols.ok) return `whether the kernel has nf_tables: ${symbols.why}`;
  return symbols.text.trim() !== '';
}

/** The running kernel's configuration, of which few kernels keep a copy. */
export function kernelConfig(host: Host): Promise<Reply> {
  return host({ run: ['gzip', '-dc', '/proc/config.gz'] });
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
