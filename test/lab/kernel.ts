import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';

/** Whether the running kernel was built without an option, by its own configuration; false where that cannot be read. */
export function kernelLacks(option: string): boolean {
  const boot = `/boot/config-${release()}`;
  if (existsSync('/proc/config.gz')) return lacks(gunzipSync(readFileSync('/proc/config.gz')).toString(), option);
  return existsSync(boot) && lacks(readFileSync(boot, 'utf8'), option);
}

function lacks(configuration: string, option: string): boolean {
  return !new RegExp(`^${option}=[ym]$`, 'm').test(configuration);
}
