import { expect, test } from 'vitest';
import { read as readLegacy } from '../../src/facts/iptables-legacy.js';
import { read as readIptablesNft } from '../../src/facts/iptables-nft.js';
import { read as readNft } from '../../src/facts/nft.js';
import type { Host, Reply } from '../../src/types.js';
import { fixture } from './firewall-fixtures.js';

/** A host that answers from a table and remembers which programs it was asked to run. */
function hostWith(answers: Readonly<Record<string, string>>): { host: Host; ran: string[] } {
  const ran: string[] = [];
  const say = (text: string | undefined, why: string): Reply => (text === undefined ? { ok: false, why } : { ok: true, text, stderr: '' });
  const host: Host = async (query) => {
    if ('run' in query) {
      ran.push(query.run.join(' '));
      return say(answers[query.run.join(' ')], `${query.run[0]}: not found`);
    }
    if ('glob' in query) return say(query.glob in answers ? `${query.glob}\n` : '', '');
    if ('grep' in query) return say(answers[`grep ${query.in}`] ?? '', '');
    return say(answers[query.read], `${query.read}: No such file or directory`);
  };
  return { host, ran };
}

test('legacy tools are not asked where the kernel lists no tables: asking would load modules', async () => {
  for (const answers of [{}, { '/proc/net/ip_tables_names': '' }]) {
    const { host, ran } = hostWith(answers);
    expect(await readLegacy(host)).toEqual({ ok: true, value: [] });
    expect(ran).toEqual([]);
  }
});

test('nothing of nf_tables is asked where the kernel does not have it', async () => {
  const { host, ran } = hostWith({});
  expect(await readIptablesNft(host)).toEqual({ ok: true, value: [] });
  expect(await readNft(host)).toEqual({ ok: true, value: [] });
  expect(ran.filter((command) => /nft|tables/.test(command))).toEqual([]);
});

test('a configuration of the kernel that has nf_tables as a module, or not at all, means that it is not loaded', async () => {
  for (const line of ['CONFIG_NF_TABLES=m', '# CONFIG_NF_TABLES is not set', 'CONFIG_NF_TABLES_INET=y']) {
    const { host, ran } = hostWith({ 'gzip -dc /proc/config.gz': `CONFIG_NET=y\n${line}\n`, 'grep /proc/kallsyms': 'nft_do_chain' });
    expect(await readNft(host)).toEqual({ ok: true, value: [] });
    expect(ran).toEqual(['gzip -dc /proc/config.gz']);
  }
  const { host } = hostWith({ 'gzip -dc /proc/config.gz': 'CONFIG_NF_TABLES=y\n', 'nft -j list ruleset': '{"nftables":[]}' });
  expect(await readNft(host)).toEqual({ ok: true, value: [] });
});

test('listed tables without the tool are an unknown fact that names them', async () => {
  const { host } = hostWith({ '/proc/net/ip_tables_names': 'mangle\nfilter\n', '/usr/sbin/xtables-nft-multi': '' });
  const fact = await readLegacy(host);
  expect(fact.ok).toBe(false);
  expect(JSON.stringify(fact)).toContain('mangle, filter');
});

test('before iptables 1.8 the legacy tool is iptables-save', async () => {
  const { host } = hostWith({ '/proc/net/ip_tables_names': 'mangle\n', 'iptables-save -c': fixture('debian11.iptables-legacy.txt') });
  const fact = await readLegacy(host);
  expect(fact.ok && fact.value.map(({ source, name }) => `${source} ${name}`)).toContain('iptables-legacy mangle');
});

test('nf_tables built into the kernel is found by its symbols', async () => {
  const { host } = hostWith({ 'grep /proc/kallsyms': '/proc/kallsyms:0000 T nft_do_chain\n', 'nft -j list ruleset': '{"nftables":[]}' });
  expect(await readNft(host)).toEqual({ ok: true, value: [] });
});

test('a rule set that cannot be listed is unknown, not empty', async () => {
  const { host } = hostWith({ '/sys/module/nf_tables': '' });
  expect((await readNft(host)).ok).toBe(false);
});

test('devices that the JSON of nft leaves out are taken from the text of the chain', async () => {
  const { host } = hostWith({
    '/sys/module/nf_tables': '',
    'nft -j list ruleset': fixture('debian12.nft.json'),
    'nft list chain netdev nd ing':
      'table netdev nd {\n\tchain ing {\n\t\ttype filter hook ingress device "eth0" priority filter; policy accept;\n',
    'nft list chain netdev nd egr':
      'table netdev nd {\n\tchain egr {\n\t\ttype filter hook egress devices = { eth0, lo } priority filter; policy accept;\n',
  });
  const fact = await readNft(host);
  const chains = fact.ok ? fact.value.find(({ family }) => family === 'netdev')?.chains : [];
  expect(chains?.map(({ base }) => base?.devices)).toEqual([['eth0'], ['eth0', 'lo']]);
});

test('a chain whose name is no plain word never becomes part of a command', async () => {
  const json = JSON.stringify({
    nftables: [
      { table: { family: 'netdev', name: 't; flush ruleset' } },
      { chain: { family: 'netdev', table: 't; flush ruleset', name: 'c', hook: 'ingress', prio: 0, type: 'filter' } },
    ],
  });
  const { host, ran } = hostWith({ '/sys/module/nf_tables': '', 'nft -j list ruleset': json });
  expect((await readNft(host)).ok).toBe(true);
  expect(ran.filter((command) => command.startsWith('nft'))).toEqual(['nft -j list ruleset']);
});
