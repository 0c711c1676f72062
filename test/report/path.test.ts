import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tellWalk } from '../../src/engine/tell-walk.js';
import { displayWidth } from '../../src/report/layout.js';
import { alike } from '../../src/report/path/alike.js';
import { renderPath } from '../../src/report/path.js';
import type { Style } from '../../src/report/style.js';
import type { PathReport, ToldWalk } from '../../src/types.js';
import { articleCase, type Change, client, vip } from '../kit/article.js';
import { dropMarkRules, dropRoute, removeHost } from '../kit/change.js';
import { attack } from './samples.js';

const plain: Style = { width: 80, colour: false, unicode: true, verbosity: 'normal' };

function walksTo(port: number, change: Change | readonly Change[] = []): ToldWalk[] {
  const c = articleCase({ clients: [client], to: { address: vip, port }, change });
  return c.walks.map((walk) => tellWalk(c.snapshots, walk));
}

function report(port: number, end: PathReport['end'], change: Change | readonly Change[] = []): PathReport {
  return {
    schema: 'tpdoctor.path/1',
    tool: { name: 'tpdoctor', version: '0.1.0' },
    startedAt: '2026-02-03T02:14:07.000Z',
    tookMs: 412,
    from: client,
    to: `${vip}:${port}`,
    end,
    hosts: ['client', 'proxy', 'dev1', 'dev2', 'dev3', 'dev4'].map((name) => ({ name, target: `netns:${name}`, reached: true })),
    walks: walksTo(port, change),
    notExamined: [],
  };
}

const whole = report(53, 'whole');
const broken = report(80, 'broken', [dropMarkRules('proxy'), dropRoute('dev3', '0.0.0.0/0')]);
const partial: PathReport = {
  ...report(80, 'whole', removeHost('dev2')),
  notExamined: [{ what: 'part of the path of http:80/#web', why: '172.16.0.12 is on none of the named hosts', settle: 'name that host' }],
};
const unknown: PathReport = {
  ...report(80, 'unknown'),
  walks: [],
  hosts: [{ name: 'proxy', target: 'netns:proxy', reached: false, why: 'no answer within 20 s' }],
  notExamined: [{ what: 'proxy', why: 'no answer within 20 s' }],
};

/** By name: a counterexample is then short to print. */
const reports: Readonly<Record<string, PathReport>> = { whole, broken, partial, unknown };

describe('whole paths', () => {
  it.each([
    ['whole-80', whole, plain],
    ['whole-120', whole, { ...plain, width: 120 }],
    ['broken-80', broken, plain],
    ['broken-80-ascii', broken, { ...plain, unicode: false }],
    ['broken-80-colour', broken, { ...plain, colour: true }],
    ['partial-80', partial, plain],
    ['unknown-80', unknown, plain],
  ] as const)('look as they did: %s', async (name, said, style) => {
    await expect(renderPath(said, style)).toMatchFileSnapshot(`fixtures/path-${name}.txt`);
  });

  it('stay within the width', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(reports)), fc.integer({ min: 60, max: 120 }), (name, width) => {
        const widest = Math.max(
          ...renderPath(reports[name] ?? whole, { ...plain, width })
            .split('\n')
            .map(displayWidth),
        );
        expect(widest).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('print nothing that steers a terminal, whatever hosts and files say', () => {
    const poison = (value: unknown): unknown => {
      if (typeof value === 'string') return attack;
      if (Array.isArray(value)) return value.map(poison);
      if (typeof value !== 'object' || value === null) return value;
      const fixed = new Set(['end', 'outcome', 'protocol', 'leg']);
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fixed.has(key) ? each : poison(each)]));
    };
    for (const unicode of [true, false]) {
      const printed = renderPath(poison(broken) as PathReport, { ...plain, unicode, verbosity: 'verbose' });
      expect(printed).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]|\p{Cf}|\p{Cs}/u);
    }
  });
});

describe('walks that are told once', () => {
  const groups = (walks: readonly ToldWalk[]) => alike(walks).map((group) => group.map(({ upstreamHost }) => upstreamHost));

  it('differ by nothing but the upstream', () => {
    expect(groups(walksTo(80))).toEqual([['dev1', 'dev2', 'dev3', 'dev4']]);
    expect(groups(walksTo(53))).toEqual([['dev1', 'dev2', 'dev3', 'dev4']]);
  });

  it('do not include one that ends elsewhere', () => {
    expect(groups(walksTo(80, dropRoute('dev3', '0.0.0.0/0')))).toEqual([['dev1', 'dev2', 'dev4'], ['dev3']]);
  });

  const withGround = (upstream: string, upstreamHost: string, what: string): ToldWalk => ({
    service: 's',
    protocol: 'tcp',
    proxy: 'proxy',
    at: { file: 'f', line: 1 },
    upstream: `${upstream}:80`,
    upstreamHost,
    end: 'whole',
    hops: [
      {
        host: 'proxy',
        steps: [
          {
            leg: 'reply',
            place: 'prerouting',
            code: 'firewall-accepted',
            did: 'passes',
            by: [{ what, source: 'nft' }],
            outcome: 'ok',
            packet: { family: 4, protocol: 6, source: upstream, destination: '192.0.2.1', mark: 0 },
          },
        ],
      },
    ],
  });
  const pair = (a: string, b: string) => groups([withGround('10.0.0.1', 'a', a), withGround('10.0.0.12', 'b', b)]).length;

  it('may share a line that names all upstreams, or have each its own', () => {
    expect(pair('ip saddr { 10.0.0.1, 10.0.0.12 } accept', 'ip saddr { 10.0.0.1, 10.0.0.12 } accept')).toBe(1);
    expect(pair('ip saddr 10.0.0.1 accept', 'ip saddr 10.0.0.12 accept')).toBe(1);
    expect(pair('to 10.0.0.1:80', 'to 10.0.0.12:80')).toBe(1);
  });

  it('do not take an address for a part of another', () => {
    expect(pair('ip saddr 10.0.0.12 accept', 'ip saddr 10.0.0.122 accept')).toBe(2);
    expect(pair('ip saddr 10.0.0.1.example', 'ip saddr 10.0.0.12.example')).toBe(2);
  });
});
