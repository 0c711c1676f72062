import { expect, test } from 'vitest';
import { mangle4 } from '../../kit/article.js';
import { setIptables } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const tproxy = (port: number) =>
  `-A PREROUTING -i eth0 -p tcp -m tcp --dport ${port} -j TPROXY --on-port ${port} --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1`;

test('the rule goes and a mark rule comes', () => {
  const change = setIptables('proxy', 'mangle', [...mangle4.slice(1), tproxy(80)]);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/tproxy-instead-of-mark', host: 'proxy', severity: 'fault', services: ['http:80/#web'] });
  expect(commands(found.fix)[0]).toBe(`iptables-nft -t mangle -D ${tproxy(80).slice(3)}`);
  expect(commands(found.fix)[1]).toContain('--sport 80 -j MARK');
  expect(leftAfterCures(change)).toEqual([]);
});

test('where it is for another port the mark is just missing', () => {
  expect(soleDiagnosis(setIptables('proxy', 'mangle', [...mangle4.slice(1), tproxy(8080)])).cause).toBe('proxy/mark-rule-missing');
});

test('TPROXY for another service beside the marks is fine', () => {
  expectHealthy(setIptables('proxy', 'mangle', [...mangle4, tproxy(8080)]));
});
