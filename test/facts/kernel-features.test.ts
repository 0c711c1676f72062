import { describe, expect, test } from 'vitest';
import { parseConfig, parseModules, read as readFeatures } from '../../src/facts/kernel-features.js';
import { hostWith } from './fixtures.js';

describe('kernel features', () => {
  const release = '6.1.0-18-amd64';
  const base = { '/proc/sys/kernel/osrelease': `${release}\n` };
  const features = async (files: Record<string, string>) => {
    const fact = await readFeatures(hostWith({ ...base, ...files }));
    return fact.ok ? fact.value.features : undefined;
  };

  test('an option that is off or not mentioned is false, built in is true', async () => {
    const config = '# CONFIG_NET_ACT_NAT is not set\nCONFIG_NF_TABLES=y\n';
    expect(await features({ '/proc/config.gz': config })).toMatchObject({ act_nat: false, nf_tables: true, cls_u32: false });
  });

  test('a module counts where its file is: distributions put some into packages of their own', async () => {
    const boot = `/boot/config-${release}:CONFIG_NET_ACT_NAT=m\n/boot/config-${release}:CONFIG_NET_CLS_U32=m\n`;
    const dep = `/lib/modules/${release}/modules.dep:kernel/net/sched/cls_u32.ko.xz: kernel/x.ko\n`;
    const files = { [`/boot/config-${release}`]: boot, [`/lib/modules/${release}/modules.dep`]: dep };
    expect(await features(files)).toMatchObject({ act_nat: false, cls_u32: true, nft_socket: false });
  });

  test('with neither configuration nor modules, as in a container, nothing is claimed', async () => {
    expect(Object.values((await features({})) ?? { x: true }).filter((value) => value !== undefined)).toEqual([]);
  });

  test('names are read with the file in front and without', () => {
    expect([
      ...parseModules('kernel/net/netfilter/xt_TPROXY.ko: a/b.ko\n/lib/modules/6.1/modules.builtin:kernel/net/sched/act_nat.ko\n'),
    ]).toEqual(['xt_TPROXY', 'act_nat']);
    expect(parseConfig('CONFIG_NF_TABLES=m\n', ['CONFIG_NF_TABLES']).get('CONFIG_NF_TABLES')).toBe('m');
  });
});
