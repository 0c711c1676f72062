import { batch, filter, rootQdisc } from './methods.js';
import { fault as faultOf, healthy, type TcScenario } from './scenario.js';
import { upstreams } from './topology.js';

const method = 'a router of its own';
const fault = faultOf.bind(undefined, method);

const onGateway = (run: string) => [{ host: 'gw', run }];
const removed = 'tc qdisc del dev eth0 root';
const inPlace = (lines: readonly string[]) => onGateway(`${removed}\n${rootQdisc()}\n${batch(lines)}`);
const addresses = upstreams.map(({ address }) => address);

/** Router NAT on a host that is not nginx's. */
export const separateRouter: readonly TcScenario[] = [
  healthy(method, 'as the article has it', []),
  fault('dsr/reply-not-rewritten', 'no filter', 'gw', onGateway(removed)),
  fault(
    'dsr/rewrite-wrong-address',
    "the router's own",
    'gw',
    inPlace([...addresses.map((a) => filter(a, 53, { to: '192.168.99.2' })), ...addresses.map((a) => filter(a, 5353))]),
    ['dns53'],
  ),
];
