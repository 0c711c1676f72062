import { network } from '../../net/prefix.js';
import type { TcFilter } from '../../types.js';
import type { BootCommand } from './commands.js';
import type { Brings } from './ip-words.js';
import { isWild } from './shell-words.js';

/** Whether a command of a boot file adds this filter: the same link, the same translation. */
export function bringsFilter({ tool, args, opaque }: BootCommand, filter: TcFilter): Brings {
  if (tool !== 'tc') return 'no';
  if (opaque) return 'maybe';
  if (args[0] !== 'filter' || !/^(?:add|a|replace|change)$/.test(args[1] ?? '')) return 'no';
  const action = filter.actions.find(({ kind }) => kind === 'nat');
  const at = args.indexOf('nat');
  if (action?.kind !== 'nat' || at < 0) return 'no';
  const [direction, old, fresh] = args.slice(at + 1);
  const pairs: readonly (readonly [string | undefined, string])[] = [
    [args[args.indexOf('dev') + 1], filter.link],
    [direction, action.direction],
    [old, action.old],
    [fresh, action.new],
  ];
  if (pairs.some(([said, real]) => said === undefined || (!isWild(said) && !same(said, real)))) return 'no';
  return args.some(isWild) ? 'maybe' : 'yes';
}

function same(said: string, real: string): boolean {
  const normal = (text: string) => (text === 'any' || text === 'default' ? '0.0.0.0/0' : (network(text) ?? text));
  return normal(said) === normal(real);
}
