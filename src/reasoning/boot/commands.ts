import type { BootFile } from '../../types.js';
import { commandsOf } from './shell-words.js';

/** Where something that is brought back stands. */
export interface BootPlace {
  path: string;
  line?: number;
}

export type Tool = 'ip' | 'tc' | 'nft' | 'iptables' | 'ip6tables' | 'sysctl' | 'echo';

/** A command that is run at boot. */
export interface BootCommand {
  tool: Tool;
  args: readonly string[];
  at: BootPlace;
  /** What it does cannot be told: it reads its commands elsewhere, or is kept in a variable. */
  opaque?: true;
}

const tools: ReadonlyMap<string, Tool> = new Map(
  (['ip', 'tc', 'nft', 'iptables', 'ip6tables', 'sysctl', 'echo'] as const).flatMap((tool) => [
    [tool, tool],
    [`${tool}-nft`, tool],
    [`${tool}-legacy`, tool],
    // Only tables have it; without a file it reads what only the script's run would tell.
    [`${tool}-restore`, tool],
  ]),
);

/** The commands of units, scripts and ifupdown's stanzas that change network state. */
export function bootCommands(files: readonly BootFile[]): BootCommand[] {
  const automatic = automaticLinks(files);
  return files.flatMap((file) => {
    const { path, lines } = file;
    const own =
      file.kind === 'interfaces' ? stanzaCommands(file, automatic) : lines.map((line) => ({ ...line, text: commandText(file, line.text) }));
    return own.flatMap(({ text, line }) => read(text, { path, ...(line === undefined ? {} : { line }) }));
  });
}

function commandText({ kind }: BootFile, text: string): string {
  if (kind === 'unit') return text.replace(/^\s*Exec\w+=[-+@:!|]*/, '');
  return kind === 'script' ? text.replace(/^\s*(?:@reboot\s+(?:root\s+)?|(?:Pre|Post)Up\s*=)/, '') : '';
}

const stanzaCommand = /^\s*(?:pre-up|up|post-up)\s+(.*)$/;

/** Links that ifupdown brings up by itself; a word and its stanza may stand in different files. Patterns are taken for a match. */
function automaticLinks(files: readonly BootFile[]): (link: string) => boolean {
  const words = files
    .filter(({ kind }) => kind === 'interfaces')
    .flatMap(({ lines }) => lines.flatMap(({ text }) => /^\s*(?:auto|allow-\w+)\s+(.*)$/.exec(text)?.[1]?.split(/\s+/) ?? []));
  const isPattern = words.some((word) => /[*?/[]/.test(word));
  return (link) => isPattern || words.includes(link);
}

/** Commands of the links that come up at boot. */
function stanzaCommands({ lines }: BootFile, automatic: (link: string) => boolean): { text: string; line?: number }[] {
  let link = '';
  return lines.flatMap(({ text, ...line }) => {
    link = /^\s*iface\s+(\S+)/.exec(text)?.[1] ?? link;
    const command = stanzaCommand.exec(text)?.[1];
    return command === undefined || !automatic(link) ? [] : [{ ...line, text: command.replaceAll('$IFACE', link) }];
  });
}

function read(text: string, at: BootPlace, depth = 0): BootCommand[] {
  const foreign = quoted(text, at);
  if (foreign.length > 0) return foreign;
  return commandsOf(text).flatMap((words): BootCommand[] => {
    const position = words.findIndex((word) => tools.has(base(word)));
    const tool = tools.get(base(words[position] ?? ''));
    const nested = depth < 2 ? words.filter((word) => word.includes(' ')).flatMap((word) => read(word, at, depth + 1)) : [];
    if (nested.length > 0 && tool === undefined) return nested;
    if (tool !== undefined)
      return [{ tool, args: words.slice(position + 1), at, ...(isOpaque(tool, words) ? { opaque: true as const } : {}) }];
    return words.flatMap((word) => kept(word, at));
  });
}

/** `["ip", "rule", …]` of another language than a shell's. */
function quoted(text: string, at: BootPlace): BootCommand[] {
  return [...text.matchAll(/["'](?:\/\w+){0,4}\/?(ip|tc|nft|iptables|ip6tables)["']\s*,/g)].flatMap(([, name = '']) => {
    const tool = tools.get(name);
    return tool === undefined ? [] : [{ tool, args: [], at, opaque: true as const }];
  });
}

function base(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}

/** `IPT=/sbin/iptables`: what is then run is in lines that do not name the tool. */
function kept(word: string, at: BootPlace): BootCommand[] {
  const value = /^\w+=(.*)$/.exec(word)?.[1];
  const tool = value === undefined ? undefined : tools.get(base(value));
  return tool === undefined ? [] : [{ tool, args: [], at, opaque: true }];
}

function isOpaque(tool: Tool, words: readonly string[]): boolean {
  if (words.some((word) => word.startsWith('$(') || word.includes('`'))) return true;
  if (words.some((word) => word.endsWith('-restore'))) return !words.some((word, i) => i > 0 && word.startsWith('/'));
  if (tool === 'ip' || tool === 'tc') return words.some((word) => /^-(?:b|batch|force)$/.test(word));
  return tool === 'nft' && (words.includes('-') || words.includes('/dev/stdin') || words.includes('<'));
}
