import { c, path, points, service, traced, vip } from './trace-samples.js';

const up = '172.16.0.11:80';
const web = '192.168.99.10:80';
const n = '192.168.99.50:50012';

/** Method 1: the client's connection and nginx's own. */
export const connections = traced(
  [
    {
      count: 25,
      end: 'delivered',
      path: path(
        ['client eth0 out', c, web, 'SYN', 'request', 0],
        ['proxy eth0 in', c, web, 'SYN', 'request', 35],
        ['proxy eth0 out', web, c, 'SYN-ACK', 'answer', 60],
        ['client eth0 in', web, c, 'SYN-ACK', 'answer', 84],
        ['client eth0 out', c, web, 'request', 'request', 120],
        ['proxy eth0 in', c, web, 'request', 'request', 154],
        ['proxy eth1 out', n, up, 'SYN', 'forward', 311],
        ['dev1 eth0 in', n, up, 'SYN', 'forward', 340],
        ['dev1 eth0 out', up, n, 'SYN-ACK', 'reply', 377],
        ['proxy eth1 in', up, n, 'SYN-ACK', 'reply', 402],
        ['proxy eth1 out', n, up, 'request', 'forward', 460],
        ['dev1 eth0 in', n, up, 'request', 'forward', 498],
        ['dev1 eth0 out', up, n, 'reply', 'reply', 21_377],
        ['proxy eth1 in', up, n, 'reply', 'reply', 21_402],
        ['proxy eth0 out', web, c, 'reply', 'answer', 21_502],
        ['client eth0 in', web, c, 'reply', 'answer', 21_544],
      ),
      service: 'http:80/',
      upstream: '172.16.0.11',
    },
    {
      count: 5,
      end: 'vanished',
      path: path(
        ['client eth0 out', c, web, 'SYN', 'request', 0],
        ['proxy eth0 in', c, web, 'SYN', 'request', 35],
        ['proxy eth0 out', web, c, 'SYN-ACK', 'answer', 60],
        ['client eth0 in', web, c, 'SYN-ACK', 'answer', 84],
        ['client eth0 out', c, web, 'request', 'request', 120],
        ['proxy eth0 in', c, web, 'request', 'request', 154],
        ['proxy eth1 out', n, '172.16.0.12:80', 'SYN, 4 times', 'forward', 311],
        ['dev2 eth0 in', n, '172.16.0.12:80', 'SYN, 4 times', 'forward', 340],
        ['proxy eth0 out', web, c, 'reply with status 500 or more', 'answer', 60_002_377],
        ['client eth0 in', web, c, 'reply with status 500 or more', 'answer', 60_004_402],
      ),
      vanishedAfter: { host: 'dev2', iface: 'eth0' },
      service: 'http:80/',
      upstream: '172.16.0.12',
    },
  ],
  { points: points.map((point) => ({ ...point, packets: point.packets * 17 })) },
);

const c6 = '[2001:db8:9999:aaaa:bbbb:cccc:dddd:50]:41234';
const vip6 = '[2001:db8:9999::10]:53';
const up6 = '[fd00:16:aaaa:bbbb:cccc:dddd:eeee:11]:53';

export const version6 = traced([
  {
    count: 8,
    end: 'vanished',
    path: path(
      ['client eth0 out', c6, vip6, 'request', 'request', 0],
      ['proxy eth0 in', c6, vip6, 'request', 'request', 41],
      ['proxy eth1 out', c6, up6, 'request', 'forward', 213],
      ['dev1 eth0 in', c6, up6, 'request', 'forward', 246],
      ['dev1 eth0 out', up6, c6, 'reply', 'reply', 402],
      ['proxy eth1 in', up6, c6, 'reply', 'reply', 431],
    ),
    vanishedAfter: { host: 'proxy', iface: 'eth1' },
    service,
    upstream: 'fd00:16:aaaa:bbbb:cccc:dddd:eeee:11',
  },
]);

/** A firewall and a router of their own on the way. */
export const fiveHosts = traced([
  {
    count: 3,
    end: 'misdelivered',
    path: path(
      ['client eth0 out', c, vip, 'request', 'request', 0],
      ['edge wan0 in', c, vip, 'request', 'request', 41],
      ['edge lan0 out', c, vip, 'request', 'request', 52],
      ['proxy eth0 in', c, vip, 'request', 'request', 81],
      ['proxy eth1 out', '192.168.99.50:50001', '172.16.0.11:53', 'request', 'forward', 213],
      ['router bond0.99 in', '192.168.99.50:50001', '172.16.0.11:53', 'request', 'forward', 246],
      ['router bond0.16 out', '192.168.99.50:50001', '172.16.0.11:53', 'request', 'forward', 260],
      ['dev1 eth0 in', '192.168.99.50:50001', '172.16.0.11:53', 'request', 'forward', 4402],
      ['dev1 eth0 out', '172.16.0.11:53', '192.168.99.50:50001', 'reply', 'reply', 4431],
      ['router bond0.16 in', '172.16.0.11:53', '192.168.99.50:50001', 'reply', 'reply', 4460],
      ['router bond0.99 out', vip, '192.168.99.50:50001', 'reply, source rewritten from 172.16.0.11', 'answer', 4466],
      ['edge lan0 in', vip, '192.168.99.50:50001', 'reply', 'answer', 4490],
      ['edge wan0 out', vip, '192.168.99.50:50001', 'reply', 'answer', 4502],
      ['client eth0 in', vip, '192.168.99.50:50001', 'reply', 'answer', 4544],
    ),
    service,
    upstream: '172.16.0.11',
  },
]);
