import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../src/report/layout.js';
import type { Style } from '../../src/report/style.js';
import { renderTable } from '../../src/report/table.js';
import type { Report } from '../../src/types.js';
import { hostileText, poisoned } from './hostile.js';
import { faulty, healthy, hostile, risky, undetermined } from './samples.js';

const plain: Style = { width: 80, colour: false, unicode: true, verbosity: 'normal' };

function golden(name: string): string {
  return `fixtures/${name}.txt`;
}

describe('whole reports', () => {
  it.each([
    ['healthy-80', healthy, plain],
    ['faulty-80', faulty, plain],
    ['faulty-120-verbose', faulty, { ...plain, width: 120, verbosity: 'verbose' }],
    ['faulty-80-quiet', faulty, { ...plain, verbosity: 'quiet' }],
    ['faulty-80-ascii', faulty, { ...plain, unicode: false }],
    ['faulty-80-colour', faulty, { ...plain, colour: true }],
    ['undetermined-80', undetermined, plain],
    ['risky-80', risky, plain],
    ['hostile-80', hostile, plain],
    ['hostile-80-ascii', hostile, { ...plain, unicode: false, verbosity: 'verbose' }],
  ] as const)('look as they did: %s', async (name, report, style) => {
    await expect(renderTable(report, style)).toMatchFileSnapshot(golden(name));
  });
});

const anyStyle: fc.Arbitrary<Style> = fc.record({
  width: fc.integer({ min: 40, max: 120 }),
  colour: fc.constant(false),
  unicode: fc.boolean(),
  verbosity: fc.constantFrom('quiet', 'normal', 'verbose'),
});

describe('renderTable', () => {
  it('prints nothing that steers a terminal, whatever hosts and files say', () => {
    fc.assert(
      fc.property(fc.constantFrom(faulty, undetermined), hostileText, anyStyle, (report, text, style) => {
        const printed = renderTable(poisoned(report, text), style);
        expect(printed).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]|\p{Cf}|\p{Cs}/u);
        if (!style.unicode) expect(printed).toMatch(/^[\n\x20-\x7e]*$/);
      }),
    );
  });

  it('stays within the width, commands and edits aside', () => {
    fc.assert(
      fc.property(fc.constantFrom(healthy, faulty, undetermined), fc.integer({ min: 60, max: 120 }), (report, width) => {
        const copied = report.diagnoses.flatMap(({ fix, verify }) => [
          ...verify,
          ...fix.flatMap((step) =>
            step.kind === 'command'
              ? [step.run, step.undo ?? '']
              : [`${step.file}:${step.line} (new line before it)`, `${step.file}:${step.line} (take the line out)`],
          ),
        ]);
        const prose = renderTable(report, { ...plain, width })
          .split('\n')
          .filter((line) => !copied.includes(line.trim()));
        expect(Math.max(...prose.map(displayWidth))).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('prints every command whole on lines of its own, ready to be copied', () => {
    const lines = renderTable(faulty, { ...plain, width: 40, verbosity: 'verbose' })
      .split('\n')
      .map((line) => line.trim());
    const commands = faulty.diagnoses.flatMap(({ fix }) => fix.flatMap((step) => (step.kind === 'command' ? [step.run] : [])));
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) expect(lines).toContain(command);
  });

  it('makes a comment of a command that cannot be shown as it is', () => {
    const step = { host: 'proxy', kind: 'command', why: 'because', run: 'echo \x1b[1A safe\nreboot' } as const;
    const [first] = faulty.diagnoses;
    const printed = renderTable({ ...faulty, diagnoses: first ? [{ ...first, fix: [step] }] : [] }, plain);
    const shown = printed.split('\n').filter((line) => /safe|reboot$/.test(line));
    expect(shown.length).toBe(2);
    for (const line of shown) expect(line.trim()).toMatch(/^# /);
  });

  it('keeps the order of steps that alternate between hosts', () => {
    const on = (host: string, run: string) => ({ host, kind: 'command', why: run, run, undo: `undo ${run}` }) as const;
    const [first] = faulty.diagnoses;
    const fix = [on('proxy', 'first'), on('app1', 'second'), on('proxy', 'third')];
    const printed = renderTable({ ...faulty, diagnoses: first ? [{ ...first, fix, verify: [] }] : [] }, plain);
    const order = printed
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /^(undo )?(first|second|third)$/.test(line));
    expect(order).toEqual(['first', 'second', 'third', 'undo third', 'undo second', 'undo first']);
  });

  it('tells risks beside faults in brief unless everything is asked for', () => {
    const [risk] = risky.diagnoses;
    const cure = risk?.fix[0]?.kind === 'command' ? risk.fix[0].run : 'none';
    const shown = (report: Report, verbosity: Style['verbosity']) => renderTable(report, { ...plain, width: 120, verbosity });
    for (const verbosity of ['quiet', 'normal'] as const) {
      expect(shown(faulty, verbosity)).toContain(`tpdoctor explain ${risk?.cause}`);
      expect(shown(faulty, verbosity)).not.toContain(cure);
      expect(shown(risky, verbosity)).toContain(cure);
    }
    expect(shown(faulty, 'verbose')).toContain(cure);
  });

  it('puts faults before risks, by the same numbers everywhere', () => {
    const turned = { ...faulty, diagnoses: faulty.diagnoses.toReversed() };
    const [heading, ...rest] = [...renderTable(turned, plain).matchAll(/^.*\[(\d)\].*$/gm)].filter(([line]) => !line.includes('│'));
    expect([heading, ...rest].map((match) => match?.[1])).toEqual(['1', '2', '3', '1']);
    expect(heading?.[0]).toContain('FAULT');
    expect(rest[1]?.[0]).toContain('early demux');
  });

  it('leaves passes to --verbose', () => {
    const message = healthy.findings[0]?.message ?? 'none';
    expect(renderTable(healthy, plain)).not.toContain(message);
    expect(renderTable(healthy, { ...plain, verbosity: 'verbose' })).toContain(message);
  });

  it('can tell about a case without anything in it', () => {
    const empty: Report = { ...healthy, verdict: 'undetermined', hosts: [], services: [], findings: [] };
    expect(renderTable(empty, plain)).toContain('exit code 2');
  });
});
