import { batch, filters, rootQdisc } from './methods.js';
import { fault, healthy, type TcScenario } from './scenario.js';
import { upstreams } from './topology.js';

const onProxy = (run: string) => [{ host: 'proxy', run }];
const removed = 'tc qdisc del dev eth0 root';

/** The filters on nginx's host replaced. */
const instead = (lines: readonly string[], link = 'eth0') => onProxy(`${removed}\n${rootQdisc(link)}\n${batch(lines)}`);

const addresses = upstreams.map(({ address }) => address);

export const tcScenarios: readonly TcScenario[] = [
  healthy('router NAT', 'as the article has it', []),
  fault('router NAT', 'dsr/rewrite-misses-upstream', 'one upstream', 'proxy', instead(filters(addresses.slice(0, 3)))),
];
