import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderJunit } from '../../src/report/junit.js';
import type { Report } from '../../src/types.js';
import { hostileText, poisoned } from './hostile.js';
import { faulty, healthy, hostile, risky, undetermined } from './samples.js';

/** What expat reads: it refuses what is no XML. */
const reader = `
import json, sys
from xml.etree import ElementTree
def told(case):
    return {"name": case.get("name"), "outcome": [part.tag for part in case], "text": "".join(part.text or "" for part in case)}
def read(text):
    suites = ElementTree.fromstring(text.encode())
    return {"counts": suites.attrib, "suites": [{**suite.attrib, "cases": [told(case) for case in suite]} for suite in suites]}
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
`;

interface Read {
  counts: Record<string, string>;
  suites: {
    name: string;
    tests: string;
    failures: string;
    errors: string;
    skipped: string;
    cases: { name: string; outcome: string[]; text: string }[];
  }[];
}

const read = (reports: readonly Report[]): Read[] =>
  JSON.parse(
    execFileSync('python3', ['-c', reader], { input: JSON.stringify(reports.map(renderJunit)), encoding: 'utf8', maxBuffer: 1e9 }),
  );

function only(report: Report): Read {
  return read([report])[0] ?? expect.unreachable();
}

describe('JUnit', () => {
  it('has a suite for each host, with what was found there', () => {
    const { suites, counts } = only(faulty);
    expect(suites.map(({ name }) => name)).toEqual(expect.arrayContaining(['proxy', 'app1']));
    const faults = faulty.diagnoses.filter(({ severity }) => severity === 'fault');
    const fails = faulty.findings.filter(({ status }) => status === 'fail');
    expect(Number(counts.failures)).toBe(faults.length + fails.length);
    for (const { cause, host, summary } of faults) {
      const suite = suites.find(({ name }) => name === host);
      const found = suite?.cases.find(({ name }) => name.startsWith(cause));
      expect(found?.outcome).toEqual(['failure']);
      expect(found?.text).toContain('Cure:');
      expect(renderJunit(faulty)).toContain(summary.slice(0, 20));
    }
  });

  it('passes where all is well, and where there is but a risk', () => {
    for (const report of [healthy, risky]) expect(only(report).counts).toMatchObject({ failures: '0', errors: '0' });
    const told = only(risky).suites.flatMap(({ cases }) => cases.filter(({ text }) => text.startsWith('risk, ')));
    expect(told).toHaveLength(risky.diagnoses.length);
  });

  it('skips what is not known, and takes a host that was not reached for an error', () => {
    const { suites, counts } = only(undetermined);
    expect(Number(counts.errors)).toBe(undetermined.hosts.filter(({ reached }) => !reached).length);
    expect(suites.at(-1)).toMatchObject({ name: 'not examined', skipped: String(undetermined.notExamined.length) });
  });

  it('counts what it holds', () => {
    for (const { suites, counts } of read([healthy, faulty, undetermined, risky, hostile])) {
      for (const { tests, failures, errors, skipped, cases } of suites) {
        const having = (outcome: string) => String(cases.filter((one) => one.outcome.includes(outcome)).length);
        expect([tests, failures, errors, skipped]).toEqual([String(cases.length), having('failure'), having('error'), having('skipped')]);
      }
      expect(counts.tests).toBe(String(suites.reduce((sum, { tests }) => sum + Number(tests), 0)));
    }
  });

  it('is XML, whatever hosts and files say', () => {
    const reports = fc
      .sample(fc.tuple(fc.constantFrom(faulty, undetermined), hostileText), 300)
      .map(([report, text]) => poisoned(report, text));
    reports.push(poisoned(faulty, ']]></failure><x a="&amp;\ud800\ufffe'));
    expect(read(reports)).toHaveLength(reports.length);
  });
});
