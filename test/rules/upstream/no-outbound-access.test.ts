import { expect, test } from 'vitest';
import type { Change } from '../../kit/article.js';
import { addRoute, changeFact, setForwarding, setIptables } from '../../kit/change.js';
import { causesOf, commands, examineArticle, expectHealthy, soleDiagnosis, withoutDsr } from '../../kit/rules.js';

const tried = (ok: boolean): Change =>
  changeFact('dev1', 'outbound', () => [{ to: '192.168.99.50', ok, text: `1 packets transmitted, ${ok ? 1 : 0} received` }]);
const masqueraded = setIptables('proxy', 'nat', ['-A POSTROUTING -s 172.16.0.0/28 -o eth0 -j MASQUERADE']);

test('private addresses have to be masqueraded', () => {
  const found = soleDiagnosis(tried(false));
  expect(found).toMatchObject({ cause: 'upstream/no-outbound-access', host: 'proxy', severity: 'fault' });
  expect(commands(found.fix)).toEqual(['iptables-nft -t nat -A POSTROUTING -s 172.16.0.0/28 -o eth0 -j MASQUERADE']);
});

test('forwarding is needed as well', () => {
  const found = soleDiagnosis([withoutDsr, masqueraded, setForwarding('proxy', 0), tried(false)]);
  expect(found).toMatchObject({ cause: 'upstream/no-outbound-access', host: 'proxy' });
  expect(commands(found.fix)).toEqual(['sysctl -w net.ipv4.ip_forward=1']);
});

test('where replies are not forwarded either, that is the one cause', () => {
  const report = examineArticle([masqueraded, setForwarding('proxy', 0), tried(false)]);
  expect(causesOf(report)).toEqual(['dsr/forwarding-off proxy']);
});

test('what was not tried, or answers, or has both and fails for another reason, is fine', () => {
  expectHealthy([]);
  expectHealthy(tried(true));
  expectHealthy([masqueraded, tried(false)]);
  expectHealthy([tried(false), addRoute('client', { to: '172.16.0.0/28', nextHops: [{ link: 'eth0', via: '192.168.99.10' }] })]);
});
