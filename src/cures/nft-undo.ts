import { commandLine } from './shell.js';

export interface MarkedRule {
  /** The rule with its comment. */
  text: string;
  /** Takes it out again, whatever handle it got. */
  undo: string;
}

/** A rule with a comment of its own: nft deletes by handle, which nobody knows before the rule is there. The same rule always gets the same comment. */
export function markedRule({ family, table, chain }: { family: string; table: string; chain: string }, text: string): MarkedRule {
  const comment = `tpdoctor ${hash(`${family} ${table} ${chain} ${text}`)}`;
  const place = [family, table, chain];
  const handle = `${commandLine('nft', '-a', 'list', 'chain', ...place)} | sed -n 's/.* comment "${comment}".*# handle \\([0-9]*\\)$/\\1/p' | head -n 1`;
  return { text: `${text} comment "${comment}"`, undo: `${commandLine('nft', 'delete', 'rule', ...place, 'handle')} "$(${handle})"` };
}

/** FNV-1a, 32 bits, in hexadecimal. */
function hash(text: string): string {
  const value = [...text].reduce((sum, letter) => Math.imul(sum ^ (letter.codePointAt(0) ?? 0), 0x01000193), 0x811c9dc5);
  return (value >>> 0).toString(16).padStart(8, '0');
}
