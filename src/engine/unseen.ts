import { factOf } from '../path/world.js';
import { groupBy, list } from '../reasoning/broken.js';
import type { Case, NotExamined } from '../types.js';

/** What nobody asked about: listed, but no reason to doubt the verdict. */
export function findUnseen(c: Case): NotExamined[] {
  return [...unseenHosts(c), ...assumedClients(c), ...otherNamespaces(c)];
}

function unseenHosts(c: Case): NotExamined[] {
  const steps = c.walks.flatMap((walk) => walk.steps.filter((step) => step.outcome === 'unseen').map((step) => ({ walk, step })));
  return [...groupBy(steps, ({ step }) => step.did)].map(([did, group]) => {
    const services = [...new Set(group.map(({ walk }) => walk.service.id))];
    return { what: `part of the path of ${list(services)}`, why: did, settle: 'name that host with --host NAME=TARGET' };
  });
}

function assumedClients(c: Case): NotExamined[] {
  const assumed = [...new Set(c.walks.filter((walk) => walk.clientAssumed).map((walk) => walk.client))];
  if (assumed.length === 0) return [];
  return [
    {
      what: "whether clients lie in an upstream's own subnets",
      why: `no client was named or seen; routes were judged for ${list(assumed)}`,
      settle: 'name clients with --client IP or --client PREFIX',
    },
  ];
}

/** nginx beside a named host, in a network namespace that nobody named. */
function otherNamespaces(c: Case): NotExamined[] {
  const examined = new Set([...c.snapshots.values()].flatMap((snapshot) => factOf(snapshot, 'nginx')?.masters.map(({ pid }) => pid) ?? []));
  return [...c.snapshots.values()].flatMap((snapshot) => {
    const nginx = factOf(snapshot, 'nginx');
    const others = nginx?.elsewhere.filter(({ pid }) => !examined.has(pid)) ?? [];
    if (c.services.length > 0 || others.length === 0) return [];
    const pids = list(others.map(({ pid }) => String(pid)));
    // What a container runtime makes has no name below /run/netns.
    const settle = `name that namespace with --host NAME=netns:NAME; a container's gets a name by: ip netns attach NAME ${others[0]?.pid}`;
    return [{ what: `${snapshot.host}: nginx (pid ${pids})`, why: 'runs in another network namespace of this machine', settle }];
  });
}
