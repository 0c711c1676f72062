import { everything, network } from '../net/prefix.js';
import { factOf } from '../path/world.js';
import type { Cure, Family, FixStep, PolicyRule, Route, Snapshot } from '../types.js';
import { ip, routeWords, ruleWords } from './ip-words.js';
import { persistOf, persistRemoval } from './persistence.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** A priority just before the smallest one that is taken after `local`: the new rule must be asked before `main`. */
export function freePriority(rules: readonly PolicyRule[], family: Family): number {
  const taken = rules.filter((rule) => rule.family === family && rule.priority > 0).map((rule) => rule.priority);
  return Math.max(1, Math.min(32766, ...taken) - 1);
}

export function addPolicyRule(snapshot: Snapshot, rule: PolicyRule, why: string): Cure {
  const run = ip(rule.family, 'rule', 'add', ...ruleWords(rule));
  const step: FixStep = {
    host: snapshot.host,
    kind: 'command',
    run,
    undo: ip(rule.family, 'rule', 'del', ...ruleWords(rule)),
    persist: persistOf('policy-rule', snapshot, run),
    why,
  };
  return { host: snapshot.host, steps: [step], apply: (before) => withFact(before, 'policyRules', (rules) => [...rules, rule]) };
}

/** The route that hands packets for any address to this host's own sockets. */
export function localDefault(family: Family, table: string): Route {
  return {
    family,
    type: 'local',
    to: everything(family),
    table,
    nextHops: [{ link: 'lo' }],
    metric: family === 6 ? 1024 : 0,
    scope: 'host',
  };
}

function sameSlot(a: Route, b: Route): boolean {
  return a.family === b.family && a.table === b.table && a.to === b.to && a.metric === b.metric;
}

/** Adds a route, or puts it in the place of the one with the same prefix and metric in its table. */
export function putRoute(snapshot: Snapshot, route: Route, why: string): Cure {
  const previous = factOf(snapshot, 'routes')?.find((other) => sameSlot(other, route));
  const apply = (before: Snapshot) => withFact(before, 'routes', (routes) => [...routes.filter((other) => !sameSlot(other, route)), route]);
  const add = ip(route.family, 'route', 'add', ...routeWords(route));
  const persist = persistOf('route', snapshot, add);
  const step = (run: string, undo: string): FixStep => ({ host: snapshot.host, kind: 'command', run, undo, persist, why });
  const remove = ip(route.family, 'route', 'del', ...routeWords(route));
  if (!previous) return { host: snapshot.host, steps: [step(add, remove)], apply };
  // IPv6 keeps a route of another type beside the new one: `replace` alone would leave the old one in force.
  const steps =
    route.family === 6 || previous.type !== route.type
      ? [
          step(ip(route.family, 'route', 'del', ...routeWords(previous)), ip(route.family, 'route', 'add', ...routeWords(previous))),
          step(add, remove),
        ]
      : [step(ip(route.family, 'route', 'replace', ...routeWords(route)), ip(route.family, 'route', 'replace', ...routeWords(previous)))];
  return { host: snapshot.host, steps, apply };
}

/** Takes a route away. */
export function dropRoute(snapshot: Snapshot, route: Route, why: string): Cure {
  const step: FixStep = {
    host: snapshot.host,
    kind: 'command',
    run: ip(route.family, 'route', 'del', ...routeWords(route)),
    undo: ip(route.family, 'route', 'add', ...routeWords(route)),
    persist: persistRemoval.route,
    why,
  };
  const apply = (before: Snapshot) =>
    withFact(before, 'routes', (routes) => routes.filter((other) => !(sameSlot(other, route) && other.type === route.type)));
  return { host: snapshot.host, steps: [step], apply };
}

/** The first table number from 100 on that no route and no rule of the host uses. */
export function freeTable(snapshot: Snapshot): string {
  const used = new Set([
    ...(factOf(snapshot, 'routes') ?? []).map((route) => route.table),
    ...(factOf(snapshot, 'policyRules') ?? []).map((rule) => rule.table),
  ]);
  for (let number = 100; number < 252; number++) if (!used.has(String(number))) return String(number);
  return '1000';
}

/** Sets a link up. The kernel brings the routes to its own subnets back, but none over gateways. */
export function setLinkUp(snapshot: Snapshot, name: string, why: string): Cure {
  const command = (state: string) => commandLine('ip', 'link', 'set', name, state);
  const connected = (factOf(snapshot, 'addresses') ?? [])
    .filter((entry) => entry.link === name && entry.scope !== 'link')
    .map((entry): Route => {
      const to = network(`${entry.address}/${entry.prefixLength}`) ?? entry.address;
      return {
        family: entry.family,
        type: 'unicast',
        to,
        table: 'main',
        nextHops: [{ link: name }],
        metric: entry.family === 6 ? 256 : 0,
        scope: 'link',
      };
    });
  return {
    host: snapshot.host,
    steps: [{ host: snapshot.host, kind: 'command', run: command('up'), undo: command('down'), why }],
    apply: (before) => {
      const up = withFact(before, 'links', (links) =>
        links.map((link) => (link.name === name ? { ...link, up: true, state: 'UP' } : link)),
      );
      return withFact(up, 'routes', (routes) => [
        ...routes,
        ...connected.filter((route) => !routes.some((other) => sameSlot(other, route))),
      ]);
    },
  };
}
