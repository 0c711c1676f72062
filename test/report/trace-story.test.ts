import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderJson } from '../../src/report/json.js';
import { displayWidth } from '../../src/report/layout.js';
import type { Style } from '../../src/report/style.js';
import { renderTable } from '../../src/report/table.js';
import type { PatternStep, Report, TracePattern } from '../../src/types.js';
import * as samples from './trace-samples.js';
import { connections, fiveHosts, version6 } from './trace-samples-ways.js';

const plain: Style = { width: 80, colour: false, unicode: true, verbosity: 'normal' };

describe('whole reports of traces', () => {
  it.each([
    ['delivered-80', samples.allDelivered, plain],
    ['one-dead-80', samples.oneDead, plain],
    ['one-dead-80-ascii', samples.oneDead, { ...plain, unicode: false }],
    ['one-dead-80-colour', samples.oneDead, { ...plain, colour: true }],
    ['one-dead-120-verbose', samples.oneDead, { ...plain, width: 120, verbosity: 'verbose' }],
    ['one-dead-80-quiet', samples.oneDead, { ...plain, verbosity: 'quiet' }],
    ['inside-host-80', samples.insideHost, plain],
    ['refused-80', samples.refused, plain],
    ['misdelivered-80', samples.misdelivered, plain],
    ['connections-80', connections, plain],
    ['version6-80', version6, plain],
    ['version6-44', version6, { ...plain, width: 44 }],
    ['five-hosts-80', fiveHosts, plain],
    ['five-hosts-120', fiveHosts, { ...plain, width: 120 }],
    ['proxy-alone-80', samples.proxyAlone, plain],
    ['nothing-seen-80', samples.nothingSeen, plain],
    ['hostile-80', samples.hostileTrace, plain],
    ['hostile-80-ascii', samples.hostileTrace, { ...plain, unicode: false, verbosity: 'verbose' }],
  ] as const)('look as they did: %s', async (name, report, style) => {
    await expect(renderTable(report, style)).toMatchFileSnapshot(`fixtures/trace-${name}.txt`);
  });
});

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('client', 'proxy', 'eth0', '10.0.0.1:53', '[2001:db8::1]:53', '\x1b[2J', '日本語', '', ':', '[::', '😀'),
);
const place = fc.record({ host: hostileText, iface: hostileText });
const anyStep: fc.Arbitrary<PatternStep> = fc
  .record({
    host: hostileText,
    iface: hostileText,
    dir: fc.constantFrom('in' as const, 'out' as const),
    src: hostileText,
    dst: hostileText,
    note: hostileText,
    leg: fc.constantFrom('request' as const, 'forward' as const, 'reply' as const, 'answer' as const),
    afterUs: fc.integer({ min: -1e6, max: 1e12 }),
  })
  .map(({ note, leg, afterUs, ...step }) => ({
    ...step,
    ...(note === '' ? {} : { note }),
    ...(leg === 'answer' ? {} : { leg }),
    ...(afterUs < 0 ? {} : { afterUs }),
  }));
const anyPattern: fc.Arbitrary<TracePattern> = fc
  .record({
    count: fc.nat(1000),
    end: fc.constantFrom('delivered' as const, 'vanished' as const, 'refused' as const, 'misdelivered' as const, 'ambiguous' as const),
    path: fc.array(anyStep, { maxLength: 12 }),
    at: place,
    next: place,
    endsAt: fc.integer({ min: -2, max: 14 }),
    upstream: hostileText,
  })
  .map(({ at, next, endsAt, ...pattern }) => ({
    ...pattern,
    ...(endsAt % 2 === 0 ? { vanishedAfter: at } : { endsAt }),
    ...(endsAt > 5 ? { neverSeenBy: next } : {}),
  }));
const anyTrace: fc.Arbitrary<Report> = fc.array(anyPattern, { maxLength: 4 }).map((patterns) => samples.traced(patterns));
const anyStyle: fc.Arbitrary<Style> = fc.record({
  width: fc.integer({ min: 40, max: 120 }),
  colour: fc.constant(false),
  unicode: fc.boolean(),
  verbosity: fc.constantFrom('quiet', 'normal', 'verbose'),
});

describe('the story of a trace', () => {
  it('steers no terminal and stays within its width, whatever was captured', () => {
    fc.assert(
      fc.property(anyTrace, anyStyle, (report, style) => {
        const printed = renderTable({ ...report, hosts: [], services: [] }, style);
        expect(printed).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]|\p{Cf}|\p{Cs}/u);
        if (!style.unicode) expect(printed).toMatch(/^[\n\x20-\x7e]*$/);
        const below = printed.split('\n').slice(printed.startsWith('tpdoctor') ? 1 : 0);
        expect(Math.max(...below.map(displayWidth))).toBeLessThanOrEqual(style.width);
      }),
    );
  });

  it('tells the same with colours and without', () => {
    for (const report of [samples.oneDead, version6, fiveHosts]) {
      const coloured = renderTable(report, { ...plain, colour: true });
      expect(coloured.replace(/\x1b\[[0-9;]*m/g, '')).toBe(renderTable(report, plain));
    }
  });

  it('puts what fails most first, and what was delivered last', () => {
    const [ok, dead] = samples.oneDead.trace?.patterns.filter(({ upstream }) => upstream !== '172.16.0.12') ?? [];
    if (!ok || !dead) throw new Error('the sample has lost its patterns');
    const patterns = [
      ok,
      { ...dead, count: 2 },
      { ...dead, count: 7, end: 'refused' as const },
      { ...dead, count: 90, end: 'ambiguous' as const },
    ];
    const headings = renderTable(samples.traced(patterns), plain).match(/^━━ .*$/gm) ?? [];
    expect(headings.map((line) => line.match(/refused|vanished|cannot|delivered/)?.[0])).toEqual([
      'refused',
      'vanished',
      'cannot',
      'delivered',
    ]);
  });

  it('draws a bounded number of ways and counts the others', () => {
    const [first] = samples.insideHost.trace?.patterns ?? [];
    if (!first) throw new Error('the sample has lost its patterns');
    const patterns = Array.from({ length: 30 }, (_, i) => ({ ...first, service: `udp:${i}`, count: 2 }));
    const printed = renderTable(samples.traced(patterns), plain);
    expect(printed.match(/^━━ /gm)).toHaveLength(6);
    expect(printed).toMatch(/24 more ways: 48 vanished/);
  });

  it('never rounds up to an answer rate of 100 %', () => {
    const [ok, dead] = samples.oneDead.trace?.patterns.filter(({ upstream }) => upstream !== '172.16.0.12') ?? [];
    if (!ok || !dead) throw new Error('the sample has lost its patterns');
    const patterns = [
      { ...ok, count: 99_999 },
      { ...dead, count: 1, upstream: '172.16.0.11' },
    ];
    expect(renderTable(samples.traced(patterns), plain)).toContain('99.9 %');
  });

  it('is in the JSON document as it is', () => {
    for (const report of [connections, samples.hostileTrace]) expect(JSON.parse(renderJson(report))).toEqual(report);
  });
});
