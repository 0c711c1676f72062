import type { FirewallChain, FirewallRule, FirewallTable, Hook } from '../../types.js';
import { apply, translate } from './actions.js';
import { matches } from './packet-match.js';
import { beforeTracking, type FirewallContext, keyOf, type Nat, type State, sightOf, type Touched } from './state.js';

/** The kernel refuses deeper jumps (NFT_JUMP_STACK_SIZE). */
const maximalDepth = 16;
const maximalStates = 64;

/** How a state leaves a chain. `return`: on to the rule behind the jump. */
export type Verdict = 'accept' | 'drop' | 'reject' | 'return';

export interface Ending {
  verdict: Verdict;
  state: State;
  by?: Touched;
}

/** One base chain being walked. `budget` bounds the work that hostile rule sets can cause. */
export interface Walk {
  table: FirewallTable;
  chains: ReadonlyMap<string, FirewallChain>;
  context: FirewallContext;
  hook: Hook;
  priority: number;
  budget: { rules: number };
}

/** Takes states through a chain, rule by rule; a state forks where a rule cannot be told. */
export function walkChain(walk: Walk, chain: FirewallChain, entering: readonly State[], depth = 0): Ending[] {
  const ended: Ending[] = [];
  let live = entering;
  for (const rule of chain.rules) {
    if (live.length === 0) break;
    walk.budget.rules -= live.length;
    if (walk.budget.rules < 0) return [...ended, ...live.flatMap((state) => eitherWay(state, { table: walk.table, chain, rule }))];
    const going: State[] = [];
    for (const state of live) {
      for (const result of runRule(walk, { table: walk.table, chain, rule }, state, depth)) {
        if ('verdict' in result) ended.push(result);
        else going.push(result.state);
      }
    }
    live = merge(going, rule);
  }
  return [...ended, ...live.map((state) => ({ verdict: 'return' as const, state }))];
}

type Here = Touched & { rule: FirewallRule };
type Result = Ending | { state: State };

/** The rule either decides nothing or drops: all that can be said of what is not understood. */
function eitherWay(state: State, here: Here): Ending[] {
  const unsure = doubt(state, here.rule);
  return [
    { verdict: 'return', state: unsure },
    { verdict: 'drop', state: unsure, by: here },
  ];
}

function doubt(state: State, rule: FirewallRule): State {
  return state.unknownBecause ? state : { ...state, unknownBecause: rule };
}

function runRule(walk: Walk, here: Here, entering: State, depth: number): Result[] {
  const early = beforeTracking(walk.hook, walk.priority);
  const results: Result[] = [];
  let state = entering;
  for (const step of here.rule.steps) {
    if ('match' in step) {
      const holds = matches(step, sightOf(state, walk.context, walk.hook, early), walk.table);
      if (holds === false) return [...results, { state }];
      if (holds === undefined) {
        state = doubt(state, here.rule);
        results.push({ state });
      }
      continue;
    }
    switch (step.do) {
      case 'accept':
      case 'return':
        return [...results, { verdict: step.do, state }];
      case 'drop':
      case 'reject':
        return [...results, { verdict: step.do, state, by: here }];
      case 'jump':
      case 'goto':
        return [...results, ...enter(walk, here, step.chain, step.do, state, depth)];
      case 'snat':
      case 'dnat':
      case 'masquerade':
      case 'redirect': {
        const nat: Nat = { kind: step.do, ...('to' in step && step.to !== undefined ? { to: step.to } : {}) };
        return [...results, { verdict: 'accept', state: touch(translate(nat, state), here) }];
      }
      case 'tproxy':
        state = touch(tproxied(state, step), here);
        // xt_TPROXY accepts; nft's tproxy leaves the verdict to what follows it in the rule.
        if (walk.table.source !== 'nft') return [...results, { verdict: 'accept', state }];
        continue;
      default: {
        const effect = apply(step, state, early);
        if (effect.kind === 'end-rule') return [...results, { state }];
        if (effect.kind === 'unknown') {
          const unsure = doubt(state, here.rule);
          results.push({ verdict: 'drop', state: unsure, by: here });
          state = unsure;
        } else if (effect.kind === 'either') {
          const [main, ...others] = effect.states.map((entry) => doubt(touch(entry, here), here.rule));
          for (const other of others) results.push({ state: other });
          state = main ?? state;
        } else state = keyOf(effect.state) === keyOf(state) ? state : touch(effect.state, here);
      }
    }
  }
  return [...results, { state }];
}

function enter(walk: Walk, here: Here, name: string, how: 'jump' | 'goto', state: State, depth: number): Result[] {
  const chain = walk.chains.get(name);
  if (!chain || depth >= maximalDepth) {
    const [skipped, dropped] = eitherWay(state, here);
    return [...(skipped ? [{ state: skipped.state }] : []), ...(dropped ? [dropped] : [])];
  }
  // After a goto the packet comes back behind the last jump, not here.
  return walkChain(walk, chain, [state], depth + 1).map((ending) =>
    ending.verdict === 'return' && how === 'jump' ? { state: ending.state } : ending,
  );
}

function touch(state: State, here: Here): State {
  return { ...state, touched: [...state.touched, here] };
}

function tproxied(state: State, step: { to?: string; port?: number; mark?: { value: number; mask: number } }): State {
  const { to, port, mark } = step;
  const packet = mark ? { ...state.packet, mark: ((state.packet.mark & ~mark.mask) ^ mark.value) >>> 0 } : state.packet;
  return { ...state, packet, tproxy: { ...(to === undefined ? {} : { to }), ...(port === undefined ? {} : { port }) } };
}

/** States that look alike go on as one. Too many of them: the rest is given up, and what is kept is no longer certain. */
export function merge(states: readonly State[], rule: FirewallRule): State[] {
  if (states.length < 2) return [...states];
  const kept = new Map<string, State>();
  for (const state of states) {
    const key = keyOf(state);
    if (!kept.has(key)) kept.set(key, state);
  }
  const merged = [...kept.values()];
  if (merged.length <= maximalStates) return merged;
  return merged
    .slice(0, maximalStates)
    .map((state) => ({ ...state, unknownBecause: state.unknownBecause ?? rule, truncated: true as const }));
}
