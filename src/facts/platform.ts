import type { Fact, Host, Platform } from '../types.js';
import { known, unknown } from './fact.js';

/** What kind of machine a host is, from os-release, DMI and the name of its first process. */
export async function read(host: Host): Promise<Fact<Platform>> {
  const file = (path: string) => host({ read: path });
  const [release, kernel, vendor, product, init] = await Promise.all([
    file('/etc/os-release'),
    file('/proc/sys/kernel/osrelease'),
    file('/sys/class/dmi/id/sys_vendor'),
    file('/sys/class/dmi/id/product_name'),
    file('/proc/1/comm'),
  ]);
  if (!kernel.ok) return unknown(`platform: ${kernel.why}`);
  const text = (reply: typeof vendor) => (reply.ok ? reply.text.trim() : '');
  return known({
    ...parseOsRelease(text(release)),
    kernel: text(kernel),
    ...(text(vendor) === '' ? {} : { vendor: text(vendor) }),
    ...(text(product) === '' ? {} : { product: text(product) }),
    init: text(init) === 'systemd' ? 'systemd' : 'other',
  });
}

/** os-release(5): shell-like assignments, values possibly quoted. */
export function parseOsRelease(text: string): Pick<Platform, 'os' | 'family' | 'versionId'> {
  const values = new Map(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value.trim().replace(/^(["'])(.*)\1$/, '$2')] as const];
    }),
  );
  const ids = [values.get('ID') ?? '', ...(values.get('ID_LIKE') ?? '').split(/\s+/)];
  return {
    os: values.get('PRETTY_NAME') ?? values.get('NAME') ?? 'unknown',
    family: ids.filter((id) => id !== ''),
    versionId: values.get('VERSION_ID') ?? '',
  };
}

/** The same about the machine that tpdoctor runs on, with what only systeminformation tells: virtualisation. */
export async function readLocal(host: Host): Promise<Fact<Platform>> {
  const [fact, { osInfo, system }] = await Promise.all([read(host), import('systeminformation')]);
  if (!fact.ok) return fact;
  const [os, machine] = await Promise.all([osInfo(), system()]);
  const virtualization = machine.virtual ? machine.virtualHost || 'virtual machine' : undefined;
  return known({
    ...fact.value,
    kernel: os.kernel || fact.value.kernel,
    ...(machine.manufacturer ? { vendor: machine.manufacturer } : {}),
    ...(machine.model ? { product: machine.model } : {}),
    ...(virtualization === undefined ? {} : { virtualization }),
  });
}
