import { expect, test } from 'vitest';
import { changeFact, setSysctl } from '../../kit/change.js';
import { commands, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

const asBridge = (link: string) =>
  changeFact('proxy', 'links', (links) => links.map((one) => (one.name === link ? { ...one, kind: 'bridge' } : one)));
const on = setSysctl('proxy', 'net/bridge/bridge-nf-call-iptables', 1);

test('a bridge on the way whose frames meet rules for routed packets is a risk', () => {
  const found = soleDiagnosis([asBridge('eth1'), on]);
  expect(found).toMatchObject({ cause: 'proxy/bridge-netfilter', host: 'proxy', severity: 'risk' });
  expect(commands(found.fix)).toEqual(['sysctl -w net.bridge.bridge-nf-call-iptables=0']);
});

test('without a bridge on the way, or with the switch off, there is nothing to tell', () => {
  expectHealthy(on);
  expectHealthy([asBridge('eth1'), setSysctl('proxy', 'net/bridge/bridge-nf-call-iptables', 0)]);
});
