import type { FirewallChain, FirewallRule, FirewallTable, Hook } from '../../types.js';
import { apply, type ChangingAction, translate } from './actions.js';
import { matches } from './packet-match.js';
import { beforeTracking, type FirewallContext, keyOf, type Nat, type Sight, type State, sightOf, type Touched } from './state.js';

/** The kernel refuses deeper jumps (NFT_JUMP_STACK_SIZE). */
const maximalDepth = 16;
const maximalStates = 64;
const maximalEndings = 4 * maximalStates;

/** How a state leaves a chain. `return`: on to the rule behind the jump. */
export type Verdict = 'accept' | 'drop' | 'reject' | 'return';

export interface Ending {
  verdict: Verdict;
  state: State;
  by?: Touched;
}

/** One base chain being walked. `budget` is the number of steps that may still be run: it bounds what hostile rule sets can cost. */
export interface Walk {
  table: FirewallTable;
  chains: ReadonlyMap<string, FirewallChain>;
  context: FirewallContext;
  hook: Hook;
  priority: number;
  budget: { steps: number };
}

/** Takes states through a chain, rule by rule; a state forks where a rule cannot be told. */
export function walkChain(walk: Walk, chain: FirewallChain, entering: readonly State[], depth = 0): Ending[] {
  return distinctEndings(passRules(walk, chain, entering, depth));
}

function passRules(walk: Walk, chain: FirewallChain, entering: readonly State[], depth: number): Ending[] {
  const ended: Ending[] = [];
  let live = entering;
  let sights = live.map((state) => sightFor(walk, state));
  for (const rule of chain.rules) {
    if (live.length === 0) break;
    // Most rules fail at one of their first matches, for a packet whose way is certain so far: thousands of them cost nothing but that.
    if (sights.every((sight) => failsAtOnce(walk, rule, sight))) continue;
    if (walk.budget.steps <= 0) {
      const given = live.flatMap((state) => anyWay(giveUp(state, rule), { table: walk.table, chain, rule }));
      return [...ended, ...given.map((result): Ending => ('verdict' in result ? result : { verdict: 'return', state: result.state }))];
    }
    const going: State[] = [];
    const endedBefore = ended.length;
    for (const state of live) {
      for (const result of runRule(walk, { table: walk.table, chain, rule }, state, depth)) {
        if ('verdict' in result) ended.push(result);
        else going.push(result.state);
      }
    }
    live = settled(live, merge(going, rule), ended.length === endedBefore);
    sights = live.map((state) => sightFor(walk, state));
  }
  return [...ended, ...live.map((state) => ({ verdict: 'return' as const, state }))];
}

/** Endings that look alike are one. Of too many the rest is given up, and what is kept is no longer certain. */
function distinctEndings(endings: readonly Ending[]): Ending[] {
  const kept = new Map<string, Ending>();
  for (const ending of endings) {
    const key = `${ending.verdict} ${keyOf(ending.state)}`;
    if (!kept.has(key)) kept.set(key, ending);
  }
  const distinct = [...kept.values()];
  if (distinct.length <= maximalEndings) return distinct;
  return distinct.slice(0, maximalEndings).map((ending) => ({ ...ending, state: { ...ending.state, truncated: true } }));
}

type Here = Touched & { rule: FirewallRule };
type Result = Ending | { state: State };

/** All that can be said of what is not understood: it decides nothing, accepts, or drops. */
function anyWay(state: State, here: Here): Result[] {
  const unsure = doubt(state, here.rule);
  return [{ state: unsure }, { verdict: 'accept', state: unsure }, { verdict: 'drop', state: unsure, by: here }];
}

/** The state where following it ended for want of budget: whatever comes out is not certain. */
function giveUp(state: State, rule: FirewallRule): State {
  return { ...doubt(state, rule), truncated: true };
}

/** The state, known to be one of several from this rule on. */
export function doubt(state: State, rule: FirewallRule): State {
  return state.unknownBecause ? state : { ...state, unknownBecause: rule };
}

const sightFor = (walk: Walk, state: State): Sight => sightOf(state, walk.context, walk.hook, beforeTracking(walk.hook, walk.priority));

function failsAtOnce(walk: Walk, { steps }: FirewallRule, sight: Sight): boolean {
  for (const step of steps) {
    if (!('match' in step) || walk.budget.steps <= 0) return false;
    const holds = matches(step, sight, walk.table);
    walk.budget.steps -= 1;
    if (holds === false) return true;
    if (holds === undefined) return false;
  }
  return false;
}

/** Takes a state through the steps of a rule; branches that come to look alike go on as one. */
function runRule(walk: Walk, here: Here, entering: State, depth: number): Result[] {
  const results: Result[] = [];
  let live = [entering];
  for (const step of here.rule.steps) {
    if (live.length === 0) break;
    const taken = live.map((state) => takeStep(walk, here, state, step, depth));
    results.push(...taken.flatMap(({ out }) => out));
    live = merge(
      taken.flatMap(({ on }) => on),
      here.rule,
    );
  }
  return [...results, ...live.map((state) => ({ state }))];
}

/** States that go on to the rule's next step, and ways out of the rule. */
interface Taken {
  on: readonly State[];
  out: readonly Result[];
}

const goOn = (...on: readonly State[]): Taken => ({ on, out: [] });
const leave = (...out: readonly Result[]): Taken => ({ on: [], out });

function takeStep(walk: Walk, here: Here, state: State, step: FirewallRule['steps'][number], depth: number): Taken {
  walk.budget.steps -= 1;
  if (walk.budget.steps < 0) return leave(...anyWay(giveUp(state, here.rule), here));
  const early = beforeTracking(walk.hook, walk.priority);
  if ('match' in step) {
    const holds = matches(step, sightFor(walk, state), walk.table);
    if (holds === undefined) return { on: [doubt(state, here.rule)], out: [{ state: doubt(state, here.rule) }] };
    return holds ? goOn(state) : leave({ state });
  }
  switch (step.do) {
    case 'accept':
    case 'return':
      return leave({ verdict: step.do, state });
    case 'drop':
    case 'reject':
      return leave({ verdict: step.do, state, by: here });
    case 'jump':
    case 'goto':
      return leave(...enter(walk, here, step.chain, step.do, state, depth));
    case 'snat':
    case 'dnat':
    case 'masquerade':
    case 'redirect': {
      const nat: Nat = { kind: step.do, ...('to' in step && step.to !== undefined ? { to: step.to } : {}) };
      return leave({ verdict: 'accept', state: touch(translate(nat, state), here) });
    }
    case 'tproxy': {
      const proxied = touch(tproxied(state, step), here);
      // xt_TPROXY accepts; nft's tproxy leaves the verdict to what follows it in the rule.
      return walk.table.source === 'nft' ? goOn(proxied) : leave({ verdict: 'accept', state: proxied });
    }
    default:
      return change(here, state, step, early);
  }
}

function change(here: Here, state: State, action: ChangingAction, early: boolean): Taken {
  const effect = apply(action, state, early);
  switch (effect.kind) {
    case 'next':
      return goOn(keyOf(effect.state) === keyOf(state) ? state : touch(effect.state, here));
    case 'end-rule':
      return leave({ state });
    case 'either':
      return goOn(...effect.states.map((next) => doubt(touch(next, here), here.rule)));
    case 'unknown':
      return { on: [doubt(state, here.rule)], out: anyWay(state, here).filter((result) => 'verdict' in result) };
  }
}

function enter(walk: Walk, here: Here, name: string, how: 'jump' | 'goto', state: State, depth: number): Result[] {
  const chain = walk.chains.get(name);
  if (!chain || depth >= maximalDepth) return anyWay(giveUp(state, here.rule), here);
  // After a goto the packet comes back behind the last jump, not here.
  return walkChain(walk, chain, [state], depth + 1).map((ending) =>
    ending.verdict === 'return' && how === 'jump' ? { state: ending.state } : ending,
  );
}

function touch(state: State, here: Here): State {
  return state.touched.some(({ rule }) => rule === here.rule) ? state : { ...state, touched: [...state.touched, here] };
}

function tproxied(state: State, step: { to?: string; port?: number; mark?: { value: number; mask: number } }): State {
  const { to, port, mark } = step;
  const packet = mark ? { ...state.packet, mark: ((state.packet.mark & ~mark.mask) ^ mark.value) >>> 0 } : state.packet;
  return { ...state, packet, tproxy: { ...(to === undefined ? {} : { to }), ...(port === undefined ? {} : { port }) } };
}

/** Where one state went in and, by whatever branch, one and the same comes out, the doubt on the way did no harm. */
function settled(before: readonly State[], after: State[], noneEnded: boolean): State[] {
  const [only, ...others] = after;
  const [entered, ...more] = before;
  if (!noneEnded || !only || !entered || others.length > 0 || more.length > 0 || only.truncated) return after;
  if (only.unknownBecause === entered.unknownBecause) return after;
  const { unknownBecause: _, ...certain } = only;
  return [entered.unknownBecause ? { ...certain, unknownBecause: entered.unknownBecause } : certain];
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
  return merged.slice(0, maximalStates).map((state) => giveUp(state, rule));
}
