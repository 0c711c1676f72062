import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cureBlocks, explain } from '../../src/commands/explain.js';
import { loadRules } from '../../src/engine/catalogue.js';
import { contains } from '../../src/net/prefix.js';
import { displayWidth } from '../../src/report/layout.js';
import type { Style } from '../../src/report/style.js';
import type { Rule } from '../../src/types.js';
import { run } from '../cli/surroundings.js';

/** A screen of forty lines and half of another, at 80 columns. */
const mostLines = 60;
/** What may be longer, and why. */
const longPages: Readonly<Record<string, number>> = {
  // What other pages say last is this one's cure, for all kinds of state.
  'proxy/rules-not-persistent': 85,
};

/** The article's two segments, and addresses that stand for themselves. */
const known = ['192.168.99.0/24', '172.16.0.0/24', '127.0.0.1/32', '0.0.0.0/32'];

const rules = [...(await loadRules())];

function commandsOf(rule: Rule): string[] {
  return cureBlocks(rule.cure.how).flatMap((block) => ('run' in block ? [block.run] : []));
}

function textsOf({ title, why, signs, proof, cure }: Rule): string[] {
  return [title, why, signs.logs, signs.packets, proof, cure.how];
}

describe('the page of every cause', () => {
  it.each(rules)('%s says what it means, how it looks, what proves it and how it is cured', (_, rule) => {
    for (const text of textsOf(rule)) expect(text.trim()).toMatch(/^\S.{4}/s);
    expect(rule.cure.touches.length).toBeGreaterThan(0);
    expect(new Set(rule.cure.touches).size).toBe(rule.cure.touches.length);
  });

  it.each(rules)('%s has commands that a shell can read', (_, rule) => {
    for (const command of commandsOf(rule)) {
      expect(command).not.toBe('');
      expect(spawnSync('sh', ['-n'], { input: `${command}\n`, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    }
  });

  it.each(rules)('%s speaks of the same hosts as all others', (_, rule) => {
    const addresses = textsOf(rule).flatMap((text) => text.match(/\b\d+\.\d+\.\d+\.\d+\b/g) ?? []);
    for (const address of addresses) expect(known.filter((prefix) => contains(prefix, address))).not.toEqual([]);
  });

  it.each(rules)('%s is read without much scrolling', async (id) => {
    const { out } = await run('explain', id);
    expect(out.split('\n').length).toBeLessThanOrEqual(longPages[id] ?? mostLines);
  });

  it.each(rules)('%s stays within any terminal, in its characters and colours', async (id, rule) => {
    const style: Style = { width: 80, colour: false, unicode: true, verbosity: 'normal' };
    const page = (change: Partial<Style>) => explain({ id, json: false, style: { ...style, ...change } });
    const commands = commandsOf(rule);
    for (const width of [40, 80, 120]) {
      const prose = (await page({ width })).split('\n').filter((line) => !commands.includes(line.trim()));
      expect(Math.max(...prose.map(displayWidth))).toBeLessThanOrEqual(width);
    }
    expect(await page({ unicode: false })).toMatch(/^[\n\x20-\x7e]*$/);
    const coloured = await page({ colour: true });
    expect(coloured).toContain('\x1b[');
    expect(coloured.replace(/\x1b\[[\d;]+m/g, '')).toBe(await page({}));
  });

  it('has example commands in most cases', () => {
    expect(rules.filter(([, rule]) => commandsOf(rule).length > 0).length).toBeGreaterThan(rules.length / 2);
  });
});
