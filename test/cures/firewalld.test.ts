import { expect, test } from 'vitest';
import { parse } from '../../src/facts/nft.js';
import { fixture } from '../facts/firewall-fixtures.js';
import type { Change } from '../kit/article.js';
import { changeFact } from '../kit/change.js';
import { commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis, withoutDsr } from '../kit/rules.js';

/** What firewalld 1.3.3 makes of its zone public with 9000/tcp, 53/udp and 5300/udp open. */
const zonePublic = fixture('debian12.firewalld.json');

/** firewalld on dev1, its rules altered. */
const firewalld =
  (alter: (text: string) => string = (text) => text, managers = ['firewalld']): Change =>
  (hosts) => {
    changeFact('dev1', 'nft', () => parse(alter(zonePublic)))(hosts);
    changeFact('dev1', 'networkManagers', () => managers)(hosts);
  };

const openPort = 'firewall-cmd --zone=public --add-port=80/tcp';

test("what firewalld's zone rejects gets a port there, now and for good", () => {
  const found = soleDiagnosis(firewalld());
  expect(found).toMatchObject({
    cause: 'upstream/firewall-drops-request',
    host: 'dev1',
    severity: 'fault',
    services: ['http:80/#web', 'http:80/#web6'],
  });
  expect(found.fix).toMatchObject([
    {
      run: openPort,
      undo: 'firewall-cmd --zone=public --remove-port=80/tcp',
      persist: expect.stringContaining('firewall-cmd --permanent --zone=public --add-port=80/tcp'),
    },
  ]);
  expect(leftAfterCures(firewalld())).toEqual([]);
});

test('what the zone denies outright gets a rich rule that goes before', () => {
  const reject = {
    rule: { family: 'inet', table: 'firewalld', chain: 'filter_IN_public_deny', handle: 900, expr: [{ reject: { type: 'tcp reset' } }] },
  };
  const match = { match: { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 80 } };
  const denied = firewalld((text) => {
    const listing = JSON.parse(text) as { nftables: unknown[] };
    listing.nftables.push({ rule: { ...reject.rule, expr: [match, ...reject.rule.expr] } });
    return JSON.stringify(listing);
  });
  const found = soleDiagnosis(denied);
  expect(commands(found.fix)).toEqual(
    [4, 6].map(
      (family) =>
        `firewall-cmd --zone=public '--add-rich-rule=rule priority="-1" family="ipv${family}" port port="80" protocol="tcp" accept'`,
    ),
  );
  expect(leftAfterCures(denied)).toEqual([]);
});

test('its table without its daemon is a table like others', () => {
  expect(commands(soleDiagnosis(firewalld(undefined, [])).fix)).toEqual([
    expect.stringMatching(
      /^nft 'insert rule inet firewalld filter_INPUT iifname "eth0" tcp dport 80 accept comment "tpdoctor [\da-f]{8}"'$/,
    ),
  ]);
});

test('a zone with the service open is fine', () => {
  expectHealthy(firewalld((text) => text.replace('"right":9000', '"right":80')));
});

test('marks come behind its look for the way back of IPv6, which would find that to nginx', () => {
  const change: Change = (hosts) => {
    for (const table of ['iptablesNft', 'iptablesLegacy'] as const) changeFact('proxy', table, () => [])(hosts);
    const open = zonePublic.replace('"right":9000', '"right":80');
    changeFact('proxy', 'nft', (tables) => [...tables, ...parse(open)])(hosts);
    changeFact('proxy', 'networkManagers', () => ['firewalld'])(hosts);
  };
  const [found] = examineArticle([withoutDsr, change]).diagnoses.filter(({ cause }) => cause === 'proxy/mark-rule-missing');
  expect(commands(found?.fix ?? [])).toEqual([expect.stringContaining('priority 20'), expect.stringContaining('priority 20')]);
  expect(leftAfterCures([withoutDsr, change])).toEqual([]);
});
