import type { Fact, Host, KernelFeatures } from '../types.js';
import { known, unknown } from './fact.js';
import { kernelConfig } from './netfilter/presence.js';

/** Feature → kernel option and module. */
const options: Readonly<Record<string, { option: string; module: string }>> = {
  act_nat: { option: 'CONFIG_NET_ACT_NAT', module: 'act_nat' },
  cls_u32: { option: 'CONFIG_NET_CLS_U32', module: 'cls_u32' },
  cls_flower: { option: 'CONFIG_NET_CLS_FLOWER', module: 'cls_flower' },
  sch_htb: { option: 'CONFIG_NET_SCH_HTB', module: 'sch_htb' },
  nf_tables: { option: 'CONFIG_NF_TABLES', module: 'nf_tables' },
  nft_socket: { option: 'CONFIG_NFT_SOCKET', module: 'nft_socket' },
  nf_conntrack: { option: 'CONFIG_NF_CONNTRACK', module: 'nf_conntrack' },
  xt_socket: { option: 'CONFIG_NETFILTER_XT_MATCH_SOCKET', module: 'xt_socket' },
  xt_TPROXY: { option: 'CONFIG_NETFILTER_XT_TARGET_TPROXY', module: 'xt_TPROXY' },
};

const modulePattern = `^[^:]*/\\(${Object.values(options)
  .map(({ module }) => module)
  .join('\\|')}\\)[.]ko`;

/** Which kernel features a setup could use, from the kernel's configuration or its list of modules. Nothing is loaded. */
export async function read(host: Host): Promise<Fact<KernelFeatures>> {
  const [release, live] = await Promise.all([host({ read: '/proc/sys/kernel/osrelease' }), kernelConfig(host)]);
  if (!release.ok) return unknown(`kernel features: ${release.why}`);
  const name = release.text.trim();
  if (!/^[\w.+~-]{1,128}$/.test(name)) return unknown('kernel features: the release has no usable name');
  const wanted = Object.values(options).map(({ option }) => option);
  const [boot, builtin, loadable] = await Promise.all([
    host({ grep: '^CONFIG_N', in: `/boot/config-${name}` }),
    host({ grep: modulePattern, in: `/lib/modules/${name}/modules.builtin` }),
    host({ grep: modulePattern, in: `/lib/modules/${name}/modules.dep` }),
  ]);
  const config = [live, boot].flatMap((reply) => (reply.ok && reply.text !== '' ? parseConfig(reply.text, wanted) : []))[0];
  const modules =
    builtin.ok || loadable.ok ? parseModules([builtin, loadable].map((reply) => (reply.ok ? reply.text : '')).join('\n')) : undefined;
  const features = Object.entries(options).map(
    ([feature, { option, module }]) => [feature, presence(config?.get(option), modules?.has(module))] as const,
  );
  return known({ release: name, features: Object.fromEntries(features) });
}

/** A module that is configured as `m` is there only if its file is; what no source mentions is not known. */
function presence(configured: 'y' | 'm' | undefined | 'n', module: boolean | undefined): boolean | undefined {
  if (configured === 'y' || module === true) return true;
  if (configured === 'n' || (configured === 'm' && module === false)) return false;
  return configured === 'm' ? true : module;
}

/** Options of a kernel configuration; one that is not mentioned is off. */
export function parseConfig(text: string, wanted: readonly string[]): Map<string, 'y' | 'm' | 'n'> {
  const set = new Map(
    [...text.matchAll(/(?:^|:)(CONFIG_[A-Z0-9_]+)=([ym])$/gm)].map(
      ([, option, value]) => [option ?? '', value === 'm' ? 'm' : 'y'] as const,
    ),
  );
  return new Map(wanted.map((option) => [option, set.get(option) ?? 'n']));
}

/** Module names in modules.builtin and modules.dep, with the file in front or without: `kernel/net/sched/act_nat.ko.xz: …`. */
export function parseModules(text: string): Set<string> {
  return new Set([...text.matchAll(/^(?:\/[^:]*:)?[^\s:]*\/([^/\s:]+?)\.ko(?:\.\w+)?(?::|$)/gm)].map(([, name]) => name ?? ''));
}
