import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/types.js';
import { byHand, Machine } from './machine.js';

/* The real systemd-networkd takes away policy rules that its files do not name, each time it configures a link; and what the printed cure does about it. */

let machine: Machine;
beforeAll(async () => {
  machine = await Machine.start();
  await machine.write({ '/etc/systemd/network/outer.network': '[Match]\nName=eth0\n[Network]\nAddress=192.168.99.10/24\n' });
  await machine.enable('systemd-networkd.service');
  await start();
}, 60_000);
afterAll(() => machine?.stop());

const start = () =>
  machine
    .inside('mkdir -p /run/systemd/netif/links; setsid /lib/systemd/systemd-networkd >/dev/null 2>&1 & echo $! > /run/networkd')
    .then(settled);
/** The first process of this machine reaps no child, so an ended one stays as a zombie. */
const stop = () =>
  machine.inside('kill $(cat /run/networkd); until grep -q "^State:.Z" /proc/$(cat /run/networkd)/status; do sleep 0.05; done');
const settled = () =>
  machine
    .inside('n=0; until ip address show dev eth0 | grep -q 192.168.99.10; do sleep 0.1; n=$((n+1)); [ $n -lt 100 ]; done')
    .then(() => sleep(500));

/** A cable pulled and put back: networkd configures the link as if it were new. */
const replug = () => machine.inside('ip link del eth0; ip link add eth0 type veth peer name peer0; ip link set peer0 up').then(settled);
const rules = () => machine.inside('ip rule show | grep -c "fwmark 0x1" || true');

async function forgotten(): Promise<Diagnosis | undefined> {
  const { diagnoses, verdict } = await machine.check();
  expect(verdict).toBe('healthy');
  return diagnoses.find(({ cause }) => cause === 'proxy/rules-not-persistent');
}

async function carryOut(found: Diagnosis | undefined): Promise<void> {
  for (const step of found?.fix ?? []) if (step.kind === 'command') await machine.inside(step.run);
}

test('rules that a unit brings back at boot go with the next link that comes up', async () => {
  const unit = [
    '[Service]',
    'Type=oneshot',
    ...byHand.split('\n').map((line) => `ExecStart=/usr/bin/env ${line}`),
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ];
  await machine.write({ '/etc/systemd/system/home.service': unit.join('\n') });
  await machine.inside('systemctl enable home.service');
  const found = await forgotten();
  expect(found?.evidence.map(({ what }) => what)).toEqual([expect.stringContaining('policy rule')]);
  expect(found?.steps.join()).toContain('systemd-networkd');

  expect(await rules()).toBe('1');
  await replug();
  expect(await rules()).toBe('0');

  await machine.inside('ip rule add fwmark 1 lookup 100');
  await carryOut(found);
  await stop();
  await start();
  await replug();
  expect(await rules()).toBe('1');
  expect(await forgotten()).toBeUndefined();
});

test('rules of no file are written where networkd itself makes them', async () => {
  await stop();
  await machine.inside('systemctl disable home.service; rm -r /etc/systemd/system/home.service /etc/systemd/networkd.conf.d');
  await start();
  const found = await forgotten();
  expect(found?.evidence).toHaveLength(3);
  await carryOut(found);
  expect(await forgotten()).toBeUndefined();

  await machine.inside('ip rule del fwmark 1 lookup 100; ip route flush table 100');
  await stop();
  await start();
  await replug();
  expect(await rules()).toBe('1');
  expect(await machine.inside('ip route get 198.51.100.7 from 172.16.0.11 iif eth1 mark 1')).toMatch(/^local /);
  expect(await forgotten()).toBeUndefined();
});
