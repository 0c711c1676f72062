import { expect, test } from 'vitest';
import { type Change, client, vip } from '../../kit/article.js';
import { changeFact } from '../../kit/change.js';
import { diagnosesWith, dnsWay, ended, observation, step } from '../../kit/observed.js';
import { commands, examineArticle } from '../../kit/rules.js';

const cause = 'dsr/fragments-not-rewritten';
const found = (change: Parameters<typeof examineArticle>[0] = []) => examineArticle(change).diagnoses.find((one) => one.cause === cause);

test('filters that match a port are a risk, and one for all datagrams of each upstream comes before them', () => {
  expect(found()).toMatchObject({ host: 'proxy', severity: 'risk', services: ['udp:53'] });
  const [run = ''] = commands(found()?.fix ?? []);
  expect(run).toContain('u32 match ip src 172.16.0.11 match ip protocol 17 0xff action nat egress 172.16.0.11 192.168.99.10');
  expect(run).toContain('prio 9');
  expect(found()?.fix[0]).toMatchObject({ undo: expect.stringContaining('tc filter del dev eth0 parent 10: protocol ip prio 9') });
});

test('filters that match the address alone are fine', () => {
  const wholly = changeFact('proxy', 'trafficControl', (control) => ({
    ...control,
    filters: control.filters.map(({ match, ...filter }) => ({ ...filter, match: { ...(match?.source ? { source: match.source } : {}) } })),
  }));
  expect(found(wholly)).toBeUndefined();
});

const onNft: Change = (hosts) => {
  changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] }))(hosts);
  changeFact('proxy', 'nft', () => [
    {
      source: 'nft' as const,
      family: 'ip' as const,
      name: 'dsr',
      chains: [
        {
          name: 'out',
          base: { hook: 'postrouting' as const, priority: 300, type: 'filter' as const },
          rules: [
            {
              text: 'rewrite',
              steps: [
                { match: 'port', side: 'source', not: false, among: [[53, 53]], ipProtocols: [17] },
                { do: 'rewrite', field: 'source-address', to: vip },
              ],
            },
          ],
        },
      ],
      sets: {},
    },
  ])(hosts);
};

const later = { ...step('client eth0 in', '172.16.0.11:53', `${client}:41234`, 'reply'), note: 'later fragment' };
const torn = { ...ended([...dnsWay(1), later], 'misdelivered', { count: 3 }), endsAt: 8 };
const seen = (...args: Parameters<typeof diagnosesWith>) => diagnosesWith(...args).filter((diagnosis) => diagnosis.cause === cause);

test('packets whose later fragments keep the address of the upstream make it a fault, with a rule of nft where nft rewrites', () => {
  const [diagnosis, ...others] = seen(observation([torn, ended(dnsWay(2), 'delivered')]), onNft);
  expect(others).toEqual([]);
  expect(diagnosis).toMatchObject({ host: 'proxy', severity: 'fault', certainty: 'proven', services: ['udp:53'] });
  expect(diagnosis?.evidence[0]).toMatchObject({ host: 'client', source: 'capture client/eth0' });
  const [run = ''] = commands(diagnosis?.fix ?? []);
  expect(run).toContain(
    `ip saddr { 172.16.0.11, 172.16.0.12, 172.16.0.13, 172.16.0.14 } ip protocol udp ip frag-off & 0x1fff != 0 ip saddr set ${vip}`,
  );
  expect(diagnosis?.fix[0]).toMatchObject({ undo: "nft 'delete table ip dsr_fragments'" });
});

test('packets make it a fault where a tc filter rewrites, too', () => {
  expect(seen(observation([torn]))).toMatchObject([{ severity: 'fault', certainty: 'proven' }]);
});

test.each([
  ['whole', [ended(dnsWay(1), 'delivered')]],
  ['misdelivered as a whole', [{ ...ended([...dnsWay(1).slice(0, 6), { ...later, note: 'reply' }], 'misdelivered'), endsAt: 6 }]],
])('answers that come %s say nothing of fragments', (_, patterns) => {
  expect(seen(observation(patterns), onNft)).toEqual([]);
});
