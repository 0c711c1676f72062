import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cureBlocks } from '../../src/commands/explain.js';
import { loadRules } from '../../src/engine/catalogue.js';

/** Programs of the network that can be let loose in a namespace of their own. sysctl is none: not every sysctl belongs to a namespace. */
const tools = /^(?:ip|ip6?tables|iptables-save|nft|tc|ss|nstat) /;

/** A command that takes away or asks for what this namespace lacks, or a kernel without that part, was understood all the same. */
const understood =
  /No such (?:file or directory|process)|does(?:n't| not) exist|matching rule exist|Network is unreachable|File exists|missing kernel module|Failed to load TC action module|qdisc kind is unknown/;

const nginxHost = `ip link set lo up
ip link add eth0 type veth peer name far0
ip link add eth1 type veth peer name far1
ip address add 192.168.99.10/24 dev eth0
ip address add 172.16.0.1/24 dev eth1
for link in eth0 far0 eth1 far1; do ip link set $link up; done
echo 1 > /proc/sys/net/ipv4/ip_forward`;

const upstreamHost = `ip link set lo up
ip link add eth0 type veth peer name far0
for last in 11 12 13 14; do ip address add 172.16.0.$last/24 dev eth0; done
for link in eth0 far0; do ip link set $link up; done`;

const pages = [...(await loadRules())].flatMap(([id, { cure }]) => {
  const commands = cureBlocks(cure.how).flatMap((block) => ('run' in block ? [block.run] : []));
  return commands.length > 0 ? [{ id, commands }] : [];
});

function runIn(host: string, command: string) {
  return spawnSync('unshare', ['--net', 'sh', '-c', `set -e\n${host}\n${command}`], { encoding: 'utf8', timeout: 20_000 });
}

/** What the tools say where the command is at home; a page may speak of both hosts. */
function complaints(command: string): string[] {
  const told = [nginxHost, upstreamHost].map((host) => runIn(host, command));
  return told.some(({ status, stderr }) => status === 0 || understood.test(stderr)) ? [] : told.map(({ stderr }) => stderr);
}

describe('commands on the pages of causes', () => {
  it.each(pages.filter(({ commands }) => commands.some((command) => tools.test(command))))('$id: tools take them', ({ commands }) => {
    for (const command of commands.filter((each) => tools.test(each)))
      expect({ command, complaints: complaints(command) }).toEqual({ command, complaints: [] });
  });

  it.each(pages.filter(({ commands }) => commands.some((command) => command.startsWith('sysctl '))))(
    '$id: sysctls exist',
    ({ commands }) => {
      const names = commands.flatMap((command) => command.match(/[a-z]+(?:\.\w+)+/g) ?? []);
      expect(names).not.toEqual([]);
      // br_netfilter brings these, and it is not loaded everywhere.
      for (const name of names.filter((each) => !each.startsWith('net.bridge.')))
        expect(runIn(nginxHost, `test -e /proc/sys/${name.replaceAll('.', '/')}`)).toMatchObject({ status: 0 });
    },
  );
});
