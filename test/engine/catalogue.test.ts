import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { loadChecks, loadRules } from '../../src/engine/catalogue.js';

const made: string[] = [];

/** A directory with these modules, gone after the test. */
async function catalogueOf(files: Record<string, string>): Promise<URL> {
  const directory = await mkdtemp(join(tmpdir(), 'catalogue-'));
  made.push(directory);
  for (const [name, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return pathToFileURL(`${directory}/`);
}

afterEach(async () => {
  for (const directory of made.splice(0)) await rm(directory, { recursive: true });
});

const rule = `export default {
  title: 'a', why: 'b', signs: { logs: 'c', packets: 'd' }, proof: 'e', cure: { how: 'f', touches: ['nginx', 'route'] }, run: () => [],
};`;
const check = `export default { title: 'a', why: 'b', fix: 'c', roles: ['proxy'], needs: ['sysctls'], run: () => [] };`;

describe('the catalogue', () => {
  it('has every module of the directories by its path, sorted', async () => {
    const from = await catalogueOf({ 'proxy/b.js': rule, 'proxy/a.js': rule, 'dsr/z.js': rule });
    expect([...(await loadRules(from)).keys()]).toEqual(['dsr/z', 'proxy/a', 'proxy/b']);
  });

  it('passes over what a compiler leaves beside its output', async () => {
    const from = await catalogueOf({
      'proxy/a.js': rule,
      'proxy/a.js.map': '{}',
      'proxy/a.d.ts': 'declare const a: 1;',
      'proxy/README.md': '',
    });
    expect([...(await loadRules(from)).keys()]).toEqual(['proxy/a']);
  });

  it('is empty where the directory is missing', async () => {
    expect((await loadChecks(pathToFileURL('/nonexistent/checks/'))).size).toBe(0);
  });

  it('does not take a directory that cannot be read for an empty one', async () => {
    const from = await catalogueOf({ checks: 'a file' });
    await expect(loadChecks(new URL('checks', from))).rejects.toThrow();
  });

  it('takes a whole check', async () => {
    const checks = await loadChecks(await catalogueOf({ 'proxy/a.js': check }));
    expect(checks.get('proxy/a')).toMatchObject({ title: 'a', fix: 'c', roles: ['proxy'], needs: ['sysctls'] });
  });

  it.each([
    ['no default export', 'export const a = 1;'],
    ['no title', check.replace(`title: 'a'`, `title: ' '`)],
    ['no reason', check.replace(`why: 'b'`, 'why: 1')],
    ['no cure', check.replace(`fix: 'c',`, '')],
    ['an unknown role', check.replace(`'proxy'`, `'king'`)],
    ['needs that are no list', check.replace(`['sysctls']`, `'sysctls'`)],
    ['nothing to run', check.replace('() => []', '7')],
    ['code that does not parse', 'export default {'],
  ])('refuses a check with %s, naming it', async (_, text) => {
    await expect(loadChecks(await catalogueOf({ 'proxy/broken.js': text }))).rejects.toThrow(/proxy\/broken/);
  });

  it.each([
    ['no signs', rule.replace('signs:', 'sings:')],
    ['no word about packets', rule.replace(`packets: 'd'`, `packets: ''`)],
    ['no proof', rule.replace(`'e'`, 'undefined')],
    ['no cure', rule.replace(/cure: \{.*?\}/, 'cure: null')],
    ['a cure that touches what nobody knows', rule.replace(`'route'`, `'constructor'`)],
    ['a cure whose touches are no list', rule.replace(`['nginx', 'route']`, `'nginx'`)],
    ['a cure that touches nothing', rule.replace(`['nginx', 'route']`, '[]')],
    ['nothing to run', rule.replace('() => []', '7')],
  ])('refuses a rule with %s, naming it', async (_, text) => {
    expect(text).not.toBe(rule);
    await expect(loadRules(await catalogueOf({ 'proxy/broken.js': text }))).rejects.toThrow(/proxy\/broken/);
  });

  it('loads all that this project has', async () => {
    const rules = await loadRules();
    await loadChecks();
    expect(rules.size).toBeGreaterThan(0);
    expect([...rules.keys()]).toEqual([...rules.keys()].sort());
    for (const id of rules.keys()) expect(id).toMatch(/^(nginx|worker|proxy|upstream|dsr|network)\/[a-z0-9-]+$/);
  });
});
