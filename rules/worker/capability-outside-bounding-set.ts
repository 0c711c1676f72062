import { findMaster, restartMaster } from '../../src/cures/nginx.js';
import { hasNetRaw } from '../../src/path/legs/nginx.js';
import { brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'CAP_NET_RAW is outside the bounding set of nginx, so its workers die at start',
  why: 'A root master gives CAP_NET_RAW to its workers when the configuration says "transparent". Where a unit or a container has taken it out of the bounding set, capset() fails and every worker exits with code 2. The master still holds the listening sockets: clients connect and hang.',
  signs: {
    logs: 'At start, at level emerg: `capset() failed (1: Operation not permitted)`, then at level alert `worker process 4711 exited with fatal code 2 and cannot be respawned`. After that silence: there is no worker that could log.',
    packets:
      "The client's TCP handshake succeeds and its request is acknowledged, because the kernel does that for the master's listener; no answer follows. UDP hears nothing. Nothing leaves for the upstreams.",
  },
  proof:
    'A master without workers whose CapBnd lacks bit 13 (0x2000). Not this: workers that exit with another code, and a worker that lives but lacks the capability (worker/cannot-spoof).',
  cure: {
    how: [
      'Put CAP_NET_RAW back: into `CapabilityBoundingSet=` of the unit, or `--cap-add=NET_RAW` for a container. Then start it anew; a reload is not enough, because the set is inherited by the master.',
      '  systemctl show -p CapabilityBoundingSet nginx',
      '  systemctl restart nginx',
      "  grep CapBnd /proc/$(pgrep -o -f 'nginx: master')/status",
    ].join('\n'),
    touches: ['unit'],
  },
  run: (c) =>
    [...groupBy(brokenBy(c, 'worker-dead'), ({ step }) => step.host)].flatMap(([host, broken]) => {
      const snapshot = c.snapshots.get(host);
      const master = findMaster(snapshot, broken[0]?.walk.service.master ?? 0);
      if (!snapshot || !master || hasNetRaw(master.boundingCapabilities)) return [];
      const restart = restartMaster(snapshot, master.pid, 'a master started from a root shell has CAP_NET_RAW in its bounding set');
      return concludeFrom(broken, {
        host,
        summary: `nginx on ${host} has no worker left: CAP_NET_RAW is not in its bounding set (${serviceList(broken)})`,
        because: [
          `CapBnd of master ${master.pid} is ${master.boundingCapabilities}, without bit 13 (CAP_NET_RAW): the workers' capset() fails and they exit`,
        ],
        cures: restart ? [restart] : [],
        verify: [`pgrep -P ${master.pid}   # there must be workers`],
      });
    }),
};

export default rule;
