import { articleServices } from '../article.js';
import type { Change } from '../lab.js';
import { launchNginx, startNginx, stopNginx } from '../services.js';
import { type Fault, fault } from './scenario.js';

/** nginx stopped, its files given to the user that it will run as, and started again by `wrapper`. */
export const nginxAsWorkerUser = (wrapper: string): Change => ({
  host: 'proxy',
  run: [stopNginx, 'chown -R www-data:www-data .', startNginx(wrapper)].join('\n'),
});

const asWorkerUser = 'setpriv --reuid=www-data --regid=www-data --clear-groups';

/** setpriv with these ambient capabilities, as a unit with AmbientCapabilities= would start nginx. */
export const ambient = (...names: string[]): string => {
  const list = names.map((name) => `+${name}`).join(',');
  return `${asWorkerUser} --inh-caps=${list} --ambient-caps=${list}`;
};

export const workerFaults: readonly Fault[] = [
  fault(
    'worker/cannot-spoof',
    'proxy',
    articleServices,
    [{ host: 'proxy', run: 'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start' }, nginxAsWorkerUser(asWorkerUser)],
    'master without root',
  ),
  fault(
    'worker/cannot-spoof',
    'proxy',
    articleServices,
    [nginxAsWorkerUser(ambient('net_bind_service'))],
    'only low ports as ambient capability',
  ),
  fault('worker/capability-outside-bounding-set', 'proxy', articleServices, [
    // The master binds its sockets; each worker dies when it asks for NET_RAW.
    { host: 'proxy', run: `${stopNginx}\n${launchNginx('setpriv --bounding-set=-net_raw')}` },
  ]),
];
