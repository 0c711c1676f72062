import { expect, test } from 'vitest';
import { setIptables } from '../../kit/change.js';
import { commands, examineArticle } from '../../kit/rules.js';

const cause = 'proxy/icmp-errors-not-intercepted';
const found = (change: Parameters<typeof examineArticle>[0] = []) => examineArticle(change).diagnoses.find((one) => one.cause === cause);
const bySocket = '-A PREROUTING -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff';

test('marks for a protocol and port leave ICMP errors out, which is a risk', () => {
  expect(found()).toMatchObject({ host: 'proxy', severity: 'risk', services: ['http:80/#web', 'http:80/#web6', 'udp:5300'] });
  expect(commands(found()?.fix ?? [])).toEqual([
    'iptables-nft -t mangle -A PREROUTING -p icmp -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff',
    'ip6tables-nft -t mangle -A PREROUTING -p ipv6-icmp -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff',
  ]);
});

test('the socket match covers errors, and so does a mark for all that comes from upstreams', () => {
  const v6 = setIptables('proxy', 'mangle', [bySocket], { family: 6 });
  expect(found([setIptables('proxy', 'mangle', [bySocket]), v6])).toBeUndefined();
  expect(found([setIptables('proxy', 'mangle', ['-A PREROUTING -i eth1 -j MARK --set-xmark 0x1/0xffffffff']), v6])).toBeUndefined();
});

test('a rule that cannot be evaluated is no reason to claim anything', () => {
  const odd = '-A PREROUTING -p icmp -m hashlimit --hashlimit-upto 5/sec --hashlimit-name x -j MARK --set-xmark 0x1/0xffffffff';
  const rules = ['-A PREROUTING -s 172.16.0.0/28 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff', odd];
  expect(found([setIptables('proxy', 'mangle', rules), setIptables('proxy', 'mangle', [bySocket], { family: 6 })])).toBeUndefined();
});
