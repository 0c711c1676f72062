import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/types.js';
import { Machine } from './machine.js';

/* What a reboot would take from a real machine, and what a boot file has to say that it does not. */

let machine: Machine;
beforeAll(async () => {
  machine = await Machine.start();
}, 60_000);
afterAll(() => machine?.stop());

async function forgotten(): Promise<Diagnosis | undefined> {
  const { diagnoses, verdict } = await machine.check();
  expect(verdict).toBe('healthy');
  return diagnoses.find(({ cause }) => cause === 'proxy/rules-not-persistent');
}

const kinds = (found: Diagnosis | undefined) => found?.evidence.map(({ what }) => /policy rule|local route|MARK/.exec(what)?.[0]).sort();
const everything = ['MARK', 'local route', 'policy rule'];
const interfaces = (mark: number, table: number) => `# This file describes the network interfaces available on your system
auto lo eth1
iface lo inet loopback
iface eth1 inet static
    address 172.16.0.1/28
    post-up ip rule add fwmark ${mark} lookup ${table}
    post-up ip route add local 0.0.0.0/0 dev lo table ${table} || true
`;

test('what was typed by hand is named, piece by piece', async () => {
  expect(kinds(await forgotten())).toEqual(everything);
});

test('files of another setup, and rules that nothing loads, change nothing', async () => {
  await machine.write({ '/etc/network/interfaces': interfaces(2, 101) });
  await machine.inside('mkdir -p /etc/iptables; iptables-save > /etc/iptables/rules.v4');
  await machine.enable('networking.service');
  const found = await forgotten();
  expect(kinds(found)).toEqual(everything);
  expect(found?.steps.join('\n')).toContain('/etc/iptables/rules.v4');
});

test('the same in the files that are read at boot is nothing to worry about', async () => {
  await machine.write({ '/etc/network/interfaces': interfaces(1, 100) });
  expect(kinds(await forgotten())).toEqual(['MARK']);
  await machine.enable('netfilter-persistent.service');
  expect(await forgotten()).toBeUndefined();
});

test('the printed cure ends the risk, and its undo brings it back', async () => {
  await machine.inside('rm -r /etc/network/interfaces /etc/iptables /etc/systemd/system');
  const found = await forgotten();
  for (const step of found?.fix ?? []) if (step.kind === 'command') await machine.inside(step.run);
  expect(await forgotten()).toBeUndefined();
  const undo = found?.fix.flatMap((step) => (step.kind === 'command' && step.undo !== undefined ? [step.undo] : [])) ?? [];
  for (const command of undo.toReversed()) await machine.inside(command);
  expect(kinds(await forgotten())).toEqual(everything);
});
