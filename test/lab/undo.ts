import { readFile, writeFile } from 'node:fs/promises';
import type { FixStep } from '../../src/types.js';
import type { Lab } from './lab.js';

/** What a fix may change on a host, by what shows it. */
const shown = {
  iptables: 'for tool in iptables-nft iptables-legacy ip6tables-nft ip6tables-legacy; do $tool-save; done',
  nft: 'nft -s list ruleset',
  rules: 'ip -4 rule; ip -6 rule',
  routes: 'ip -4 route show table all; ip -6 route show table all',
  addresses: 'ip -o address; ip -o link',
  neighbours: 'ip neighbour show nud permanent',
  filters: 'tc qdisc show; for link in $(sed -n "s/^ *\\([^ ]*\\):.*/\\1/p" /proc/net/dev); do tc filter show dev "$link"; done',
  nginx: 'cksum nginx.conf 2>/dev/null || true',
  sysctls: `cd /proc/sys/net && grep -r --exclude=stable_secret '' ipv4/conf ipv6/conf ipv4/ip_forward ipv4/*_early_demux ipv4/ip_unprivileged_port_start ipv4/ip_local_port_range`,
} as const;

export type HostState = Readonly<Record<keyof typeof shown, string>>;

/** A host's network state, without what changes by itself: counters, times, empty tables that iptables leaves behind. */
export async function stateOf(lab: Lab, host: string): Promise<HostState> {
  const texts = await Promise.all(Object.entries(shown).map(async ([what, how]) => [what, settled(await lab.must(host, how))] as const));
  return Object.fromEntries(texts) as HostState;
}

function settled(text: string): string {
  const lines = text
    .split('\n')
    .filter((line) => !/^#|^\s*$/.test(line))
    .map((line) => line.replace(/ \[\d+:\d+\]$| expires \d+sec| (?:valid|preferred)_lft \d+sec/g, ''));
  return withoutEmptyTables(lines).join('\n');
}

/** `*mangle` … `COMMIT` of iptables-save, and `table ip mangle {` … `}` of nft, where no chain has a rule or drops by policy. */
function withoutEmptyTables(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let table: string[] | undefined;
  for (const line of lines) {
    if (/^\*|^table /.test(line)) table = [];
    (table ?? kept).push(line);
    if (!/^COMMIT$|^\}$/.test(line) || !table) continue;
    if (!table.every((each) => /^(?:\*|COMMIT|table |\}|:\w+ ACCEPT$|\s+(?:chain |\}|type .* policy accept;$))/.test(each)))
      kept.push(...table);
    table = undefined;
  }
  return [...kept, ...(table ?? [])];
}

/** Takes a fix back, last step first. An edit is taken back by its contrary; a reload of nginx is done again. */
export async function takeBack(lab: Lab, steps: readonly FixStep[]): Promise<void> {
  for (const step of steps.toReversed()) {
    if (step.kind === 'edit') await unedit(step);
    else if (needsUndo(step)) await lab.must(step.host, step.undo ?? `echo 'no undo: ${step.run.replaceAll("'", '')}' >&2; false`);
  }
  for (const step of steps) if (step.kind === 'command' && !needsUndo(step)) await lab.must(step.host, step.run);
}

/** What nginx has read comes back by reading the old text: the edit before a reload is what is undone. */
export function needsUndo(step: FixStep): boolean {
  return step.kind === 'edit' || !/ -s reload$/.test(step.run);
}

async function unedit({ file, line, remove, insert }: FixStep & { kind: 'edit' }): Promise<void> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const now = lines[line - 1] ?? '';
  if (remove === null) lines.splice(line - 1, 1);
  else lines[line - 1] = insert ? now.replace(insert, () => remove) : `${now}${remove}`;
  await writeFile(file, lines.join('\n'));
}
