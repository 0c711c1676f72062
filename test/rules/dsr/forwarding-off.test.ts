import { expect, test } from 'vitest';
import { addRoute, setForwarding } from '../../kit/change.js';
import { causesOf, commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis, withoutDsr } from '../../kit/rules.js';

const off = setForwarding('proxy', 0);

test('DSR replies are not forwarded', () => {
  const found = soleDiagnosis(off);
  expect(found).toMatchObject({ cause: 'dsr/forwarding-off', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(commands(found.fix)).toEqual(['sysctl -w net.ipv4.ip_forward=1']);
  expect(leftAfterCures(off)).toEqual([]);
});

test('without a DSR service nothing has to be forwarded', () => {
  expectHealthy([off, withoutDsr]);
});

test('an upstream is not blamed for a route that takes it for a router', () => {
  const astray = addRoute('proxy', { to: '192.168.99.50/32', nextHops: [{ link: 'eth1', via: '172.16.0.13' }] });
  const causes = causesOf(examineArticle(astray, { clients: ['192.168.99.50'] }));
  expect(causes.filter((cause) => cause.startsWith('dsr/'))).toEqual([]);
});
