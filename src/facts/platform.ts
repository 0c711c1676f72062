import type { Fact, Host, Platform } from '../types.js';
import { known, unknown } from './fact.js';

const files = {
  release: '/etc/os-release',
  kernel: '/proc/sys/kernel/osrelease',
  vendor: '/sys/class/dmi/id/sys_vendor',
  product: '/sys/class/dmi/id/product_name',
  init: '/proc/1/comm',
  /** systemd(1) tells the payload of a container its manager there. */
  container: '/run/systemd/container',
} as const;

/** Files that container managers leave in the root of what they run. */
const marks: Readonly<Record<string, string>> = { '/.dockerenv': 'docker', '/run/.containerenv': 'podman' };

/** What kind of machine a host is, from os-release, DMI and the name of its first process. */
export async function read(host: Host): Promise<Fact<Platform>> {
  const [replies, found] = await Promise.all([
    Promise.all(Object.values(files).map((path) => host({ read: path }))),
    Promise.all(Object.keys(marks).map((path) => host({ glob: path }))),
  ]);
  const kernel = replies[Object.keys(files).indexOf('kernel')];
  if (!kernel?.ok) return unknown(`platform: ${kernel?.why ?? 'no answer'}`);
  const texts = new Map(Object.keys(files).map((name, i) => [name, replies[i]?.ok ? replies[i].text.trim() : '']));
  const text = (name: keyof typeof files) => texts.get(name)?.slice(0, name === 'release' ? 10_000 : 200) ?? '';
  const container = text('container') || Object.values(marks).find((_, i) => found[i]?.ok && found[i].text.trim() !== '');
  return known({
    ...parseOsRelease(text('release')),
    kernel: text('kernel'),
    ...(text('vendor') === '' ? {} : { vendor: text('vendor') }),
    ...(text('product') === '' ? {} : { product: text('product') }),
    ...(container ? { virtualization: container } : {}),
    init: text('init') === 'systemd' ? 'systemd' : 'other',
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

/** The same about the machine that tpdoctor runs on, with what only systeminformation tells: which hypervisor it runs under. */
export async function readLocal(host: Host): Promise<Fact<Platform>> {
  const [fact, more] = await Promise.all([read(host), ownMachine().catch(() => ({}))]);
  return fact.ok ? known({ ...fact.value, ...more }) : fact;
}

async function ownMachine(): Promise<Partial<Platform>> {
  // Loaded here because it is large and only this machine needs it.
  const { osInfo, system } = await import('systeminformation');
  const [os, machine] = await Promise.all([osInfo(), system()]);
  const virtualization = machine.virtual ? machine.virtualHost || 'virtual machine' : undefined;
  return {
    ...(os.kernel ? { kernel: os.kernel } : {}),
    ...(machine.manufacturer ? { vendor: machine.manufacturer } : {}),
    ...(machine.model ? { product: machine.model } : {}),
    ...(virtualization === undefined ? {} : { virtualization }),
  };
}
