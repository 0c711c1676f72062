import type { ConfigFiles, ConfigProblem, Directive, NginxMaster, ParsedConfig, Snapshot } from '../types.js';
import { parseConfig } from './parse.js';

const parsedConfigs = new WeakMap<ConfigFiles, ParsedConfig>();

/** The parsed configuration of a master, as it is on disk; the same files are parsed once. */
export function configOf(snapshot: Snapshot | undefined, master: NginxMaster): ParsedConfig | undefined {
  const fact = snapshot?.facts.nginxConfig;
  const files = fact?.ok ? fact.value.find((config) => config.master === master.pid) : undefined;
  if (!files) return undefined;
  const parsed = parsedConfigs.get(files) ?? parseConfig(files);
  parsedConfigs.set(files, parsed);
  return parsed;
}

/** What nginx would reject or we could not read in the configurations of a host. */
export function configProblems(snapshot: Snapshot): ConfigProblem[] {
  const masters = snapshot.facts.nginx?.ok ? snapshot.facts.nginx.value.masters : [];
  return masters.flatMap((master) => configOf(snapshot, master)?.problems ?? []);
}

/** The first directive of a name in the main context. */
export function mainDirective(snapshot: Snapshot | undefined, master: NginxMaster, name: string): Directive | undefined {
  return configOf(snapshot, master)?.directives.find((directive) => directive.name === name);
}
