import { expect, test } from 'vitest';
import { addRoute, changeFact, dropRoute, setSysctl } from '../../kit/change.js';
import { causesOf, commands, examineArticle, expectHealthy } from '../../kit/rules.js';

const cause = 'dsr/redirects-teach-bypass';
const sends = (value: number) => ['all', 'eth1'].map((link) => setSysctl('proxy', `net/ipv4/conf/${link}/send_redirects`, value));

/** Replies leave nginx's host for the clients by the link that they came in on. */
const oneArmed = [
  dropRoute('proxy', '192.168.99.0/24'),
  addRoute('proxy', { to: '192.168.99.0/24', nextHops: [{ link: 'eth1', via: '172.16.0.2' }] }),
  changeFact('proxy', 'trafficControl', ({ qdiscs, filters }) => ({
    qdiscs: qdiscs.map((qdisc) => ({ ...qdisc, link: 'eth1' })),
    filters: filters.map((filter) => ({
      ...filter,
      link: 'eth1',
      actions: filter.actions.map((action) => (action.kind === 'nat' ? { ...action, new: '172.16.0.1' } : action)),
    })),
  })),
  ...['all', 'eth0', 'eth1'].map((link) => setSysctl('proxy', `net/ipv4/conf/${link}/rp_filter`, 0)),
];
const found = (value: number) => examineArticle([...oneArmed, ...sends(value)]).diagnoses.find((one) => one.cause === cause);

test('a router that rewrites what comes in and goes out by one link teaches a way around it', () => {
  expect(found(1)).toMatchObject({ host: 'proxy', severity: 'risk', services: ['udp:53'] });
  expect(commands(found(1)?.fix ?? [])).toEqual([
    'sysctl -w net.ipv4.conf.all.send_redirects=0',
    'sysctl -w net.ipv4.conf.eth1.send_redirects=0',
  ]);
});

test('with send_redirects off it keeps that to itself', () => {
  expect(found(0)).toBeUndefined();
});

test('upstreams that heed no redirects learn nothing', () => {
  const deaf = ['dev1', 'dev2', 'dev3', 'dev4'].flatMap((host) =>
    ['all', 'eth0'].map((link) => setSysctl(host, `net/ipv4/conf/${link}/accept_redirects`, 0)),
  );
  const report = examineArticle([...oneArmed, ...sends(1), ...deaf]);
  expect(report.diagnoses.filter((one) => one.cause === cause)).toEqual([]);
});

test('a router with a link to each side has no shorter way to tell of', () => {
  expectHealthy(sends(1));
  expect(causesOf(examineArticle(sends(1)))).toEqual([]);
});
