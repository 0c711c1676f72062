import { expect, test } from 'vitest';
import { setSysctls } from '../../src/cures/sysctl.js';
import { factOf } from '../../src/path/world.js';
import type { Snapshot } from '../../src/types.js';
import { articleSnapshots } from '../kit/article.js';
import { setForwarding } from '../kit/change.js';

function proxy(off = false): Snapshot {
  const snapshot = articleSnapshots(off ? setForwarding('proxy', 0) : []).get('proxy');
  if (!snapshot) throw new Error('the article has no proxy');
  return snapshot;
}

test('each value is one command that its undo takes back to what it was', () => {
  const { steps } = setSysctls(proxy(), { 'net/ipv4/udp_early_demux': 1, 'net/ipv4/conf/eth1/rp_filter': 2 }, 'why');
  expect(steps.map((step) => (step.kind === 'command' ? [step.run, step.undo] : []))).toEqual([
    ['sysctl -w net.ipv4.udp_early_demux=1', 'sysctl -w net.ipv4.udp_early_demux=0'],
    ['sysctl -w net.ipv4.conf.eth1.rp_filter=2', 'sysctl -w net.ipv4.conf.eth1.rp_filter=1'],
  ]);
});

test('a link with a dot in its name is written with slashes, which sysctl takes as well', () => {
  const { steps } = setSysctls(proxy(), { 'net/ipv4/conf/eth0.5/rp_filter': 2 }, 'why');
  expect(steps).toEqual([expect.objectContaining({ run: 'sysctl -w net/ipv4/conf/eth0.5/rp_filter=2' })]);
});

test('ip_forward sets the forwarding of every link of the copy', () => {
  const before = proxy(true);
  const sysctls = factOf(setSysctls(before, { 'net/ipv4/ip_forward': 1 }, 'why').apply(before), 'sysctls') ?? {};
  const links = Object.keys(sysctls).filter((key) => /^net\/ipv4\/conf\/[^/]+\/forwarding$/.test(key));
  expect(links.length).toBeGreaterThan(3);
  expect(links.map((key) => sysctls[key])).toEqual(links.map(() => '1'));
});

const undo = (snapshot: Snapshot, key: string) => {
  const [step] = setSysctls(snapshot, { [key]: 1 }, 'why').steps;
  return step?.kind === 'command' ? step.undo : undefined;
};
const knowing = (values: Readonly<Record<string, string>>): Snapshot => {
  const before = proxy();
  return { ...before, facts: { ...before.facts, sysctls: { ok: true, value: values } } };
};

test('undo of forwarding also brings back what the kernel sets along with it', () => {
  const links = { 'net/ipv4/conf/all/forwarding': '0', 'net/ipv4/conf/eth0/forwarding': '0', 'net/ipv4/conf/eth1/forwarding': '1' };
  const before = knowing({ 'net/ipv4/ip_forward': '0', 'net/ipv4/conf/all/accept_redirects': '0', ...links });
  expect(undo(before, 'net/ipv4/ip_forward')).toBe(
    'sysctl -w net.ipv4.ip_forward=0 net.ipv4.conf.eth1.forwarding=1 net.ipv4.conf.all.accept_redirects=0',
  );
  const six = knowing({ 'net/ipv6/conf/all/forwarding': '0', 'net/ipv6/conf/eth0/forwarding': '0', 'net/ipv6/conf/eth1/forwarding': '1' });
  expect(undo(six, 'net/ipv6/conf/all/forwarding')).toBe('sysctl -w net.ipv6.conf.all.forwarding=0 net.ipv6.conf.eth1.forwarding=1');
});

test('there is no undo to a value that is not known', () => {
  expect(undo(knowing({}), 'net/ipv4/udp_early_demux')).toBeUndefined();
});

test('another value leaves forwarding alone', () => {
  const before = proxy(true);
  const sysctls = factOf(setSysctls(before, { 'net/ipv4/udp_early_demux': 1 }, 'why').apply(before), 'sysctls') ?? {};
  expect(sysctls['net/ipv4/conf/eth0/forwarding']).toBe('0');
  expect(sysctls['net/ipv4/udp_early_demux']).toBe('1');
});
