import { addressOf, type Change, upstreams } from './article.js';
import * as change from './change.js';
import { logLine } from './log-line.js';

/** Ways in which the article's setup fails, one for each part; for tests that run over everything. */
export const articleFaults: Readonly<Record<string, readonly Change[]>> = {
  'nothing is wrong': [],
  'workers may not spoof': [change.changeWorkers({ effectiveCapabilities: '0' })],
  'no workers': [change.changeMaster({ workers: [], boundingCapabilities: '000001ffffffdfff' })],
  'transparent is missing': [change.editConfig('$remote_addr transparent', '$remote_addr')],
  'DSR without the client port': [change.editConfig('$remote_addr:$remote_port', '$remote_addr')],
  'upstream names unknown': [change.editConfig('server 172.16.0.11:80;', 'server app1.example:80;')],
  'the log complains': [
    logLine('setsockopt-transparent', 10),
    logLine('bind', 10),
    logLine('worker-died', 10),
    logLine('upstream-timeout', 10),
  ],
  'upstreams do not listen': upstreams.flatMap((name) => [80, 53, 5300].map((port) => change.dropSockets(name, port))),
  'replies are not marked': [change.setIptables('proxy', 'mangle', [])],
  'no policy rule': [change.dropMarkRules('proxy')],
  'no local route': [change.dropRoute('proxy', '0.0.0.0/0', '100')],
  src_valid_mark: [change.setSysctl('proxy', 'net/ipv4/conf/all/src_valid_mark', 1)],
  'clients masqueraded': [change.setIptables('proxy', 'nat', ['-A POSTROUTING -o eth1 -j MASQUERADE'])],
  'INPUT drops replies': [change.setIptables('proxy', 'filter', ['-A INPUT -i eth1 -j DROP'])],
  'no forwarding': [change.setForwarding('proxy', 0)],
  'no forwarding, and no way out for upstreams': [
    change.addRoute('proxy', { to: '0.0.0.0/0', nextHops: [{ link: 'eth0', via: '192.168.99.1' }] }),
    change.setForwarding('proxy', 0),
  ],
  'nothing rewrites': [change.changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] }))],
  'early demux': [change.setSysctl('proxy', 'net/ipv4/udp_early_demux', 1)],
  'upstream without route': [change.dropRoute('dev1', '0.0.0.0/0')],
  'upstream with another gateway': [
    change.dropRoute('dev1', '0.0.0.0/0'),
    change.addRoute('dev1', { to: '0.0.0.0/0', nextHops: [{ link: 'eth0', via: '172.16.0.2' }] }),
  ],
  'client connected to an upstream': [change.addAddress('dev1', 'eth1', '192.168.99.111/24')],
  'upstream admits nginx alone': [
    change.setIptables('dev1', 'filter', ['-A INPUT -s 172.16.0.1/32 -j ACCEPT'], { policies: { INPUT: 'DROP' } }),
  ],
  'an upstream was not named': [change.removeHost('dev1')],
  'an upstream is on nginx own host': [change.editConfig(`${addressOf('dev1')}:80`, '172.16.0.1:80')],
};
