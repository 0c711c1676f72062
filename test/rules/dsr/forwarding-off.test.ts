import { expect, test } from 'vitest';
import { setForwarding } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis, withoutDsr } from '../../kit/rules.js';

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
