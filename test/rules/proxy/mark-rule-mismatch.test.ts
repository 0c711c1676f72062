import { expect, test } from 'vitest';
import { type Change, mangle4 } from '../../kit/article.js';
import { changeFact, editConfig, setIptables } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis, withoutDsr } from '../../kit/rules.js';

const mangle = (...rules: string[]) => setIptables('proxy', 'mangle', rules);
const [web = '', dns = ''] = mangle4;

const misses: Record<string, string> = {
  'the port': web.replace('--sport 80', '--sport 8080'),
  'the side of the port': web.replace('--sport 80', '--dport 80'),
  'the protocol': web.replaceAll('tcp', 'udp'),
  'the subnet': web.replace('172.16.0.0/28', '172.17.0.0/28'),
  'some of the upstreams': web.replace('172.16.0.0/28', '172.16.0.11/32'),
  'the link': web.replace('-A PREROUTING', '-A PREROUTING -i eth0'),
  'the chain': web.replace('PREROUTING', 'OUTPUT'),
};

test.each(Object.entries(misses))('a rule that misses the replies by %s gets a right one beside it', (_name, rule) => {
  const change = mangle(rule, dns);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/mark-rule-mismatch', host: 'proxy', severity: 'fault', services: ['http:80/#web'] });
  expect(commands(found.fix)).toHaveLength(1);
  expect(commands(found.fix)[0]).toMatch(
    /^iptables-nft -t mangle -A PREROUTING -s [\d.,]+ -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1\/0xffffffff$/,
  );
  expect(leftAfterCures(change)).toEqual([]);
});

test('a rule behind one that accepts everything is never reached, so the new one comes first', () => {
  const change = mangle('-A PREROUTING -i eth1 -j ACCEPT', web, dns);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/mark-rule-mismatch', services: ['http:80/#web', 'udp:5300'] });
  expect(commands(found.fix)[0]).toMatch(/^iptables-nft -t mangle -I PREROUTING /);
  expect(leftAfterCures(change)).toEqual([]);
});

test('the rule of another service is not the one that misses', () => {
  const change = mangle(dns);
  expect(soleDiagnosis(change)).toMatchObject({ cause: 'proxy/mark-rule-missing', services: ['http:80/#web'] });
});

test('a rule that differs by its port alone but serves another service was not meant for this one', () => {
  const second = editConfig(
    'server {\n        listen 80;',
    'server { listen 81; location / { proxy_bind $remote_addr transparent; proxy_pass http://172.16.0.11:5300; } }\n    server {\n        listen 80;',
  );
  const socket: Change = changeFact('dev1', 'sockets', (sockets) => [
    ...sockets,
    { protocol: 'tcp' as const, state: 'LISTEN', localAddress: '0.0.0.0', localPort: 5300 },
  ]);
  const change = [second, socket, mangle(web.replace('--sport 80', '--sport 5300'), dns)];
  expect(soleDiagnosis(change)).toMatchObject({ cause: 'proxy/mark-rule-missing', services: ['http:80/#web'] });
  expect(leftAfterCures(change)).toEqual([]);
});

test('IPv6 rules miss as well', () => {
  const change = setIptables(
    'proxy',
    'mangle',
    ['-A PREROUTING -s fd00:16::/64 -p tcp -m tcp --sport 8080 -j MARK --set-xmark 0x1/0xffffffff'],
    {
      family: 6,
    },
  );
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/mark-rule-mismatch', services: ['http:80/#web6'] });
  expect(commands(found.fix)[0]).toMatch(/^ip6tables-nft /);
  expect(leftAfterCures(change)).toEqual([]);
});

test('a leftover rule for another port beside the right one is fine', () => {
  expectHealthy(mangle(web.replace('--sport 80', '--sport 8080'), web, dns));
});

test('a rule for more than the upstreams is fine', () => {
  expectHealthy([withoutDsr, mangle(web.replace('-s 172.16.0.0/28 ', ''), dns.replace(' --sport 5300', ''))]);
});

test('an accept for other links before the mark rules is fine', () => {
  expectHealthy(mangle('-A PREROUTING -i eth0 -j ACCEPT', web, dns));
});
