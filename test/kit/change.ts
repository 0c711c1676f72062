import { network } from '../../src/net/prefix.js';
import type { Address, FactName, Facts, NginxMaster, PolicyRule, Route, Snapshot } from '../../src/types.js';
import { type Change, configFile, type Hosts, iptablesTable, parseIptables } from './article.js';

/* Small changes to made snapshots; each returns a `Change` for `articleCase({ change })`. They throw where there is nothing to change. */

/** Replaces a fact by what `change` makes of it. */
export function changeFact<N extends FactName>(host: string, name: N, change: (value: Facts[N]) => Facts[N]): Change {
  return (hosts) => {
    const snapshot = hostOf(hosts, host);
    const fact = snapshot.facts[name] as { ok: true; value: Facts[N] } | { ok: false } | undefined;
    if (!fact?.ok) throw new Error(`${host} has no ${name}`);
    hosts.set(host, { ...snapshot, facts: { ...snapshot.facts, [name]: { ok: true, value: change(fact.value) } } });
  };
}

/** A fact that could not be read. */
export function loseFact(host: string, name: FactName, why = 'permission denied'): Change {
  return (hosts) => {
    const snapshot = hostOf(hosts, host);
    hosts.set(host, { ...snapshot, facts: { ...snapshot.facts, [name]: { ok: false, why } } });
  };
}

/** A host that nobody named. */
export function removeHost(host: string): Change {
  return (hosts) => {
    hostOf(hosts, host);
    hosts.delete(host);
  };
}

export function addHost(snapshot: Snapshot): Change {
  return (hosts) => {
    hosts.set(snapshot.host, snapshot);
  };
}

function hostOf(hosts: Hosts, host: string): Snapshot {
  const snapshot = hosts.get(host);
  if (!snapshot) throw new Error(`no host ${host}`);
  return snapshot;
}

/** `name` is relative to /proc/sys, with slashes. */
export function setSysctl(host: string, name: string, value: number): Change {
  return changeFact(host, 'sysctls', (sysctls) => ({ ...sysctls, [name]: String(value) }));
}

/** What `net.ipv4.ip_forward` sets: every link's forwarding. */
export function setForwarding(host: string, value: 0 | 1): Change {
  return changeFact(host, 'sysctls', (sysctls) =>
    Object.fromEntries(
      Object.entries(sysctls).map(([name, old]) => [
        name,
        name.endsWith('/forwarding') || name.endsWith('ip_forward') ? String(value) : old,
      ]),
    ),
  );
}

export function addRoute(host: string, route: Partial<Route> & Pick<Route, 'to'>): Change {
  const family = route.to.includes(':') ? 6 : 4;
  const whole: Route = { family, type: 'unicast', table: 'main', nextHops: [], metric: 0, ...route };
  return changeFact(host, 'routes', (routes) => [...routes, whole]);
}

export function dropRoute(host: string, to: string, table = 'main'): Change {
  return changeFact(host, 'routes', (routes) => without(routes, (route) => route.to === to && route.table === table));
}

export function addPolicyRule(host: string, rule: Partial<PolicyRule> & Pick<PolicyRule, 'priority'>): Change {
  const whole: PolicyRule = { family: 4, action: 'table', table: 'main', ...rule };
  return changeFact(host, 'policyRules', (rules) => [...rules, whole]);
}

/** Drops the rules for a firewall mark, of both families. */
export function dropMarkRules(host: string): Change {
  return changeFact(host, 'policyRules', (rules) => without(rules, (rule) => rule.mark !== undefined));
}

/** Changes the rules for a firewall mark, of both families. */
export function changeMarkRules(host: string, change: Partial<PolicyRule>): Change {
  return changeFact(host, 'policyRules', (rules) => rules.map((rule) => (rule.mark === undefined ? rule : { ...rule, ...change })));
}

/** Adds an address with the routes that the kernel adds for it. */
export function addAddress(host: string, link: string, prefix: string): Change {
  const [address = '', length = '32'] = prefix.split('/');
  const family = address.includes(':') ? 6 : 4;
  const entry: Address = { link, family, address, prefixLength: Number(length), scope: 'global' };
  const local: Route = {
    family,
    type: 'local',
    to: `${address}/${family === 4 ? 32 : 128}`,
    table: 'local',
    nextHops: [{ link }],
    metric: 0,
  };
  const near: Route = { family, type: 'unicast', to: network(prefix) ?? prefix, table: 'main', nextHops: [{ link }], metric: 0 };
  return (hosts) => {
    changeFact(host, 'addresses', (addresses) => [...addresses, entry])(hosts);
    changeFact(host, 'routes', (routes) => [...routes, local, near])(hosts);
  };
}

/** Puts one iptables table of one family in the place of the one of that name. Rules are lines of iptables-save. */
export function setIptables(
  host: string,
  name: 'raw' | 'mangle' | 'nat' | 'filter',
  rules: readonly string[],
  { family = 4, policies = {} }: { family?: 4 | 6; policies?: Readonly<Record<string, string>> } = {},
): Change {
  const table = family === 4 ? 'ip' : 'ip6';
  return changeFact(host, 'iptablesNft', (tables) => [
    ...tables.filter((other) => other.name !== name || other.family !== table),
    ...parseIptables(iptablesTable(name, rules, policies), family),
  ]);
}

/** Replaces a text in nginx.conf, wherever it stands. */
export function editConfig(from: string, to: string, host = 'proxy'): Change {
  return changeFact(host, 'nginxConfig', (configs) =>
    configs.map((config) => {
      const file = config.files[configFile];
      if (!file?.ok || !file.text.includes(from)) throw new Error(`nginx.conf does not say ${from}`);
      return { ...config, files: { ...config.files, [configFile]: { ...file, text: file.text.replaceAll(from, () => to) } } };
    }),
  );
}

export function changeMaster(change: Partial<NginxMaster>, host = 'proxy'): Change {
  return changeFact(host, 'nginx', (nginx) => ({ ...nginx, masters: nginx.masters.map((master) => ({ ...master, ...change })) }));
}

/** Changes every worker of every master. */
export function changeWorkers(change: Partial<NginxMaster['workers'][number]>, host = 'proxy'): Change {
  return changeFact(host, 'nginx', (nginx) => ({
    ...nginx,
    masters: nginx.masters.map((master) => ({ ...master, workers: master.workers.map((worker) => ({ ...worker, ...change })) })),
  }));
}

export function dropSockets(host: string, port: number): Change {
  return changeFact(host, 'sockets', (sockets) => without(sockets, (socket) => socket.localPort === port));
}

function without<T>(all: readonly T[], unwanted: (item: T) => boolean): T[] {
  const kept = all.filter((item) => !unwanted(item));
  if (kept.length === all.length) throw new Error('there is nothing to drop');
  return kept;
}
