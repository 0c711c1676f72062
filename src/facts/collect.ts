import type { Clock, ConfigFiles, Fact, FactName, Facts, Host, NginxProcesses, Snapshot } from '../types.js';
import * as addresses from './addresses.js';
import * as bootConfiguration from './boot-configuration.js';
import * as clock from './clock.js';
import * as counters from './counters.js';
import { unknown } from './fact.js';
import * as hostNames from './host-names.js';
import * as iptablesLegacy from './iptables-legacy.js';
import * as iptablesNft from './iptables-nft.js';
import * as kernelFeatures from './kernel-features.js';
import * as links from './links.js';
import * as neighbours from './neighbours.js';
import * as networkManagers from './network-managers.js';
import * as nft from './nft.js';
import * as nginx from './nginx.js';
import * as nginxClients from './nginx-clients.js';
import * as nginxConfig from './nginx-config.js';
import * as nginxErrors from './nginx-errors.js';
import * as platform from './platform.js';
import * as policyRules from './policy-rules.js';
import * as routes from './routes.js';
import * as selinux from './selinux.js';
import * as sockets from './sockets.js';
import * as sysctls from './sysctls.js';
import * as tools from './tools.js';
import * as trafficControl from './traffic-control.js';

type Reading = { [N in FactName]?: Promise<Fact<Facts[N]>> };

/**
 * Everything that can be read from a host without knowing the others. Independent facts are read together; those about nginx's
 * files follow from its processes. `local` says that this is the machine tpdoctor runs on.
 */
export async function collect(host: Host, name: string, { local }: { local: boolean }): Promise<Snapshot> {
  const processes = isolated(() => nginx.read(host));
  const time = isolated(() => clock.read(host));
  const config = isolated(async () => after(await processes, (found) => nginxConfig.read(host, found)));
  const reading: Reading = {
    clock: time,
    platform: isolated(() => (local ? platform.readLocal(host) : platform.read(host))),
    links: isolated(() => links.read(host)),
    addresses: isolated(() => addresses.read(host)),
    neighbours: isolated(() => neighbours.read(host)),
    policyRules: isolated(() => policyRules.read(host)),
    routes: isolated(() => routes.read(host)),
    sysctls: isolated(() => sysctls.read(host)),
    iptablesLegacy: isolated(() => iptablesLegacy.read(host)),
    iptablesNft: isolated(() => iptablesNft.read(host)),
    nft: isolated(() => nft.read(host)),
    trafficControl: isolated(() => trafficControl.read(host)),
    sockets: isolated(() => sockets.read(host)),
    counters: isolated(() => counters.read(host)),
    kernelFeatures: isolated(() => kernelFeatures.read(host)),
    tools: isolated(() => tools.read(host)),
    networkManagers: isolated(() => networkManagers.read(host)),
    bootConfiguration: isolated(() => bootConfiguration.read(host)),
    hostNames: isolated(() => hostNames.read(host)),
    selinux: isolated(() => selinux.read(host)),
    nginx: processes,
    nginxConfig: config,
    nginxErrors: isolated(() => fromLogs(processes, config, time, (found, files, now) => nginxErrors.read(host, found, files, now))),
    nginxClients: isolated(() => fromLogs(processes, config, time, (found, files, now) => nginxClients.read(host, found, files, now))),
  };
  const facts = await Promise.all(Object.entries(reading).map(async ([fact, value]) => [fact, await value] as const));
  return { format: 1, host: name, takenAt: new Date().toISOString(), facts: Object.fromEntries(facts) };
}

/** A reader that throws is our own bug: it costs its fact and no other. */
async function isolated<T>(read: () => Promise<Fact<T>>): Promise<Fact<T>> {
  try {
    return await read();
  } catch (error) {
    return unknown(`tpdoctor's own error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function after<A, B>(fact: Fact<A>, next: (value: A) => Promise<Fact<B>>): Promise<Fact<B>> {
  return fact.ok ? await next(fact.value) : fact;
}

async function fromLogs<T>(
  processes: Promise<Fact<NginxProcesses>>,
  config: Promise<Fact<readonly ConfigFiles[]>>,
  time: Promise<Fact<Clock>>,
  read: (nginx: NginxProcesses, config: readonly ConfigFiles[], clock: Clock) => Promise<Fact<T>>,
): Promise<Fact<T>> {
  const [found, files, now] = [await processes, await config, await time];
  return after(found, (masters) => after(files, (configs) => after(now, (clock) => read(masters, configs, clock))));
}

/** Adds facts that were asked later, when the whole case raised the question. */
export function withFacts(snapshot: Snapshot, facts: Snapshot['facts']): Snapshot {
  return { ...snapshot, facts: { ...snapshot.facts, ...facts } };
}
