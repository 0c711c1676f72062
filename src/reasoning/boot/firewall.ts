import { parseIptablesSave } from '../../facts/netfilter/iptables-save.js';
import type { BootFile, Family, FirewallChain, FirewallRule, FirewallTable } from '../../types.js';
import type { BootCommand } from './commands.js';
import type { Brings } from './ip-words.js';
import { commandsOf, isWild } from './shell-words.js';

/** A rule of iptables as a boot file has it. */
interface SavedRule {
  family: Family;
  table: string;
  chain: string;
  meaning: string;
}

/** What firewall rules a boot brings, to be asked for one rule after the other. */
export interface BootFirewall {
  saved: readonly SavedRule[];
  /** Texts of nft rules in their canonical form. */
  nft: ReadonlySet<string>;
  /** Something in words that are not read: none of its kind can be called lost. */
  opaque: ReadonlySet<'iptables' | 'nft'>;
}

export function bootFirewall(files: readonly BootFile[], commands: readonly BootCommand[]): BootFirewall {
  const of = (...kinds: BootFile['kind'][]) => files.filter(({ kind }) => kinds.includes(kind));
  const fromCommands = commands.flatMap(savedByCommand);
  const direct = of('firewalld-direct').flatMap(({ lines }) => lines.flatMap(({ text }) => directRule(text)));
  const nftLines = nftLinesOf(of('nft'));
  const opaque = new Set<'iptables' | 'nft'>();
  for (const { tool, opaque: unread, args } of commands) {
    if (tool !== 'iptables' && tool !== 'ip6tables' && tool !== 'nft') continue;
    if (unread || (args.some(isWild) && !args.includes('-D'))) opaque.add(tool === 'nft' ? 'nft' : 'iptables');
  }
  if (nftLines.some((text) => !/^\s*(?:re)?define\b/.test(text) && /\$\w/.test(text))) opaque.add('nft');
  // A rule set of iptables-nft that `nft list ruleset` saved.
  if (nftLines.some((text) => /\bxt (?:match|target)\b|^\s*table ip6? (?:mangle|raw|nat)\b/.test(text))) opaque.add('iptables');
  return {
    saved: [...of('iptables-save', 'ufw-rules').flatMap(savedByFile), ...fromCommands, ...direct],
    nft: new Set(nftRules([...nftLines, ...commands.flatMap(nftByCommand)]).map(canonicalNft)),
    opaque,
  };
}

/** Whether a rule that is in force now will be after a boot. */
export function bringsFirewallRule(boot: BootFirewall, table: FirewallTable, chain: FirewallChain, rule: FirewallRule): Brings {
  if (table.source === 'nft') {
    if (boot.nft.has(canonicalNft(rule.text))) return 'yes';
    return boot.opaque.has('nft') ? 'maybe' : 'no';
  }
  const family = table.family === 'ip6' ? 6 : 4;
  const meaning = meaningOf(rule);
  // Direct rules of firewalld stand in chains of its own, which end in _direct.
  const name = chain.name.replace(/_direct$/, '');
  if (boot.saved.some((each) => each.family === family && each.table === table.name && each.chain === name && each.meaning === meaning))
    return 'yes';
  return boot.opaque.has('iptables') ? 'maybe' : 'no';
}

/** The steps of a rule in an order of their own: matches are all looked at, whatever comes first. */
function meaningOf({ steps }: FirewallRule): string {
  const telling = steps.filter((step) => !('do' in step && step.do === 'nothing'));
  return JSON.stringify(telling.map((step) => JSON.stringify(step)).sort());
}

/** Files in the syntax of iptables-restore, saved by the tool or written by hand. */
function savedByFile({ path, lines }: BootFile): SavedRule[] {
  const family: Family = /v6|6tables|6\.rules$/.test(path.slice(path.lastIndexOf('/') + 1)) ? 6 : 4;
  let table = 'filter';
  return lines.flatMap(({ text }) => {
    table = /^\s*\*(\S+)/.exec(text)?.[1] ?? table;
    const [, chain, rest = ''] = /^\s*(?:\[\d+:\d+\] )?-[AI] (\S+) ?(.*)$/.exec(text) ?? [];
    return chain === undefined ? [] : oneRule(family, table, chain, commandsOf(rest).flat());
  });
}

function savedRules(text: string, family: Family): SavedRule[] {
  return parseIptablesSave(text, { source: 'iptables-nft', family }).flatMap((table) =>
    table.chains.flatMap((chain) =>
      chain.rules.map((rule) => ({ family, table: table.name, chain: chain.name, meaning: meaningOf(rule) })),
    ),
  );
}

/** `iptables -t mangle -A PREROUTING …` in the words of iptables-save. */
function savedByCommand({ tool, args }: BootCommand): SavedRule[] {
  if (tool !== 'iptables' && tool !== 'ip6tables') return [];
  const words = args.filter((word) => !/^(?:-w|--wait|-W)$/.test(word));
  const at = words.findIndex((word) => /^(?:-t|--table)$/.test(word));
  const table = at < 0 ? 'filter' : (words[at + 1] ?? 'filter');
  const verb = words.findIndex((word) => /^(?:-A|-I|--append|--insert)$/.test(word));
  const chain = words[verb + 1];
  if (verb < 0 || chain === undefined) return [];
  const rest = words
    .filter((_, i) => i !== verb && i !== verb + 1 && (at < 0 || (i !== at && i !== at + 1)))
    .filter((word, i) => i > 0 || !/^\d+$/.test(word));
  return oneRule(tool === 'ip6tables' ? 6 : 4, table, chain, rest);
}

const longNames: ReadonlyMap<string, string> = new Map([
  ['--source', '-s'],
  ['--src', '-s'],
  ['--destination', '-d'],
  ['--dst', '-d'],
  ['--protocol', '-p'],
  ['--proto', '-p'],
  ['--in-interface', '-i'],
  ['--out-interface', '-o'],
  ['--jump', '-j'],
  ['--match', '-m'],
  ['--source-port', '--sport'],
  ['--destination-port', '--dport'],
]);

/** Options as a person types them, in the order of iptables-save: it adds the module of a protocol's ports and puts the target last. */
function oneRule(family: Family, table: string, chain: string, words: readonly string[]): SavedRule[] {
  const short = targetLast(words.map((word) => longNames.get(word) ?? word));
  const protocol = short[short.indexOf('-p') + 1];
  const port = short.findIndex((word) => /^--[sd]port$/.test(word));
  const first = port > 0 && short[port - 1] === '!' ? port - 1 : port;
  const hasModule = port < 0 || !short.includes('-p') || short.slice(0, port).includes('-m');
  const whole = hasModule ? short : [...short.slice(0, first), '-m', protocol ?? '', ...short.slice(first)];
  const lists = ['-s', '-d'].map((flag) => whole.indexOf(flag) + 1).filter((position) => position > 0);
  const each = lists.reduce<string[][]>(
    (all, position) => all.flatMap((some) => addressesIn(some[position]).map((address) => some.with(position, address))),
    [whole],
  );
  const rules = each.slice(0, 64).map((some) => `-A ${chain} ${some.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(' ')}`);
  return savedRules(`*${table}\n:${chain} ACCEPT [0:0]\n${rules.join('\n')}\n`, family);
}

/** iptables makes one rule of each. */
function addressesIn(list = ''): string[] {
  return list.split(',').slice(0, 32);
}

const general = /^(?:-[psdiom]|!)$/;

/** Without comments, which may stand behind the target. */
function targetLast(words: readonly string[]): string[] {
  const bare = withoutComment(words);
  const at = bare.findIndex((word) => word === '-j' || word === '-g');
  if (at < 0) return bare;
  const length = bare.slice(at).findIndex((word) => general.test(word));
  const end = length < 0 ? bare.length : at + length;
  return [...bare.slice(0, at), ...bare.slice(end), ...bare.slice(at, end)];
}

function withoutComment(words: readonly string[]): string[] {
  const at = words.indexOf('--comment');
  if (at < 0) return [...words];
  const module = words.findIndex((word, i) => word === '-m' && words[i + 1] === 'comment');
  return words.filter((_, i) => i !== at && i !== at + 1 && (module < 0 || (i !== module && i !== module + 1)));
}

/** `<rule ipv="ipv4" table="mangle" chain="PREROUTING" priority="0">-p tcp … -j MARK …</rule>` of firewalld's direct.xml. */
function directRule(text: string): SavedRule[] {
  const attribute = (name: string) => new RegExp(`\\b${name}="([^"]{1,64})"`).exec(text)?.[1];
  const body = />([^<]*)<\/rule>/.exec(text)?.[1];
  const [family, table, chain] = [attribute('ipv'), attribute('table'), attribute('chain')];
  if (body === undefined || table === undefined || chain === undefined) return [];
  return oneRule(family === 'ipv6' ? 6 : 4, table, chain, body.trim().split(/\s+/));
}

function nftByCommand({ tool, args }: BootCommand): string[] {
  if (tool !== 'nft') return [];
  const found = /^(?:add|insert) rule (?:(?:ip6?|inet|netdev|bridge|arp) )?\S+ \S+ (.*)$/.exec(args.join(' '));
  return found?.[1] === undefined ? [] : [found[1]];
}

/** Lines of nft files with `$NAME` replaced by what `define NAME = value` says, in whichever file. */
function nftLinesOf(files: readonly BootFile[]): string[] {
  const lines = files.flatMap((file) => file.lines.map(({ text }) => text));
  const values = new Map(
    lines.flatMap((text) => {
      const [, name, value] = /^\s*(?:re)?define\s+(\w+)\s*=\s*(.*)$/.exec(text) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
  const expand = (text: string) =>
    text.length > mostJoined ? text : text.replace(/\$(\w+)/g, (whole, name: string) => values.get(name) ?? whole);
  // A variable may be made of others, but not of endless ones.
  return lines.map((text) => expand(expand(text)).slice(0, mostJoined));
}

/** Characters of a rule, however many lines it has. */
const mostJoined = 20_000;
const headers = /^\s*(?:table|chain|set|map|flowtable|counter|quota|ct)\b/;

/** One rule a line: lists of a set may go over several lines, and a chain may stand in one. */
function nftRules(lines: readonly string[]): string[] {
  const joined: string[] = [];
  for (const text of lines) {
    const [bare = ''] = text.split(/(?:^|\s)#/);
    const last = joined.at(-1);
    if (last !== undefined && last.length < mostJoined && !headers.test(last) && (last.endsWith('\\') || open(last) > 0))
      joined[joined.length - 1] = `${last.replace(/\\$/, '')} ${bare.trim()}`;
    else joined.push(bare.trim());
  }
  return joined.flatMap((line) => {
    const rule = /^(?:add|insert) rule (?:(?:ip6?|inet|netdev|bridge|arp) )?\S+ \S+ (.*)$/.exec(line)?.[1] ?? line;
    const inside = rule.replace(/^.*\bchain\s+\S+\s*\{/, '');
    return inside.split(';').map((part) => (open(part) < 0 ? part.replace(/\}\s*$/, '') : part).trim());
  });
}

function open(text: string): number {
  return text.split('{').length - text.split('}').length;
}

const services: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
  ['domain', '53'],
]);

/** An nft rule so that two texts of one rule are equal: numbers in decimal, no counters or comments, sets in order. */
export function canonicalNft(text: string): string {
  const bare = text
    .replace(/\bcomment "[^"]*"/g, ' ')
    .replace(/\bcounter(?: packets \d+ bytes \d+)?/g, ' ')
    .replace(/\bmeta (?=mark|iifname|oifname|iif|oif)/g, ' ')
    .replace(/\b(iif|oif)name\b/g, '$1')
    .replaceAll('"', '');
  const plain = (word: string) =>
    (/^0x[\da-f]{1,8}$/i.test(word) ? String(Number(word)) : (services.get(word) ?? word)).replace(/\/(?:32|128)$/, '');
  return bare
    .replace(/\{([^{}]*)\}/g, (_, list: string) =>
      list
        .split(',')
        .map((item) => plain(item.trim()))
        .filter((item) => item !== '')
        .sort()
        .join(','),
    )
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(plain)
    .join(' ');
}
