import { execFileSync, spawnSync } from 'node:child_process';
import { openHost } from '../../../src/host/target.js';
import type { Host } from '../../../src/types.js';
import type { RandomHost } from './random-host.js';

/** Its input are sysctls, commands for IPv4 and commands for IPv6, with an empty line between. `ip` says what it cannot do and goes on. */
const setUp = `
set -e
ip link set lo up
ip link add la type veth peer name lb
ip link add lc type veth peer name ld
for link in la lb lc ld; do ip link set "$link" addrgenmode none; done
for link in la lb lc $1; do ip link set "$link" up; done
while read -r path value && [ "$path" ]; do echo "$value" > "/proc/sys/$path"; done
sed -u '/^$/q' | ip -4 -force -batch - || true
ip -6 -force -batch - || true
`;

/** Runs `use` with a fresh network namespace that is set up as told; the namespace ends with it. A fresh one, because the kernel remembers that there were rules once. */
export async function withHost<T>(
  index: number,
  made: Omit<RandomHost, 'questions'>,
  use: (host: Host, namespace: string) => Promise<T>,
): Promise<T> {
  const name = `rk${process.pid}-${index}`;
  execFileSync('ip', ['netns', 'add', name]);
  try {
    const input = [...made.sysctls, '', ...made.commands[4], '', ...made.commands[6], ''].join('\n');
    const { status, stderr } = spawnSync('nsenter', [`--net=/run/netns/${name}`, 'sh', '-c', setUp, 'sh', ...(made.cut ? [] : ['ld'])], {
      input,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return await use(openHost({ kind: 'netns', name }), name);
  } finally {
    execFileSync('ip', ['netns', 'delete', name]);
  }
}
