import { describe, expect, test } from 'vitest';
import { exitCodeOf, verdictOf } from '../../src/engine/verdict.js';
import type { Diagnosis, NotExamined, ReportedHost } from '../../src/types.js';
import { articleCase } from '../kit/article.js';

const diagnosis = (severity: Diagnosis['severity'], certainty: Diagnosis['certainty']): Diagnosis => ({
  cause: 'proxy/mark-rule-missing',
  host: 'proxy',
  services: [],
  severity,
  certainty,
  summary: '',
  steps: [],
  evidence: [],
  explains: [],
  fix: [],
  verify: [],
});
const doubt: NotExamined = { what: 'a rule', why: 'beyond what can be evaluated' };
const host = (reached: boolean): ReportedHost => ({ name: 'proxy', target: 'local', roles: ['proxy'], reached });
const some = articleCase();
const none = { ...some, services: [] };

describe.each([
  { title: 'nothing wrong', diagnoses: [], verdict: 'healthy', exit: 0 },
  { title: 'a risk alone', diagnoses: [diagnosis('risk', 'proven')], verdict: 'healthy', exit: 0 },
  { title: 'a proven fault', diagnoses: [diagnosis('fault', 'proven')], verdict: 'faulty', exit: 1 },
  { title: 'a consistent fault', diagnoses: [diagnosis('fault', 'consistent')], verdict: 'faulty', exit: 1 },
  { title: 'a possible fault alone', diagnoses: [diagnosis('fault', 'possible')], verdict: 'undetermined', exit: 2 },
  {
    title: 'a possible fault and a proven risk',
    diagnoses: [diagnosis('fault', 'possible'), diagnosis('risk', 'proven')],
    verdict: 'undetermined',
    exit: 2,
  },
  {
    title: 'a possible and a proven fault',
    diagnoses: [diagnosis('fault', 'possible'), diagnosis('fault', 'proven')],
    verdict: 'faulty',
    exit: 1,
  },
  { title: 'a doubt', diagnoses: [], doubts: [doubt], verdict: 'undetermined', exit: 2 },
  { title: 'a doubt and a risk', diagnoses: [diagnosis('risk', 'proven')], doubts: [doubt], verdict: 'undetermined', exit: 2 },
  { title: 'a doubt and a fault', diagnoses: [diagnosis('fault', 'consistent')], doubts: [doubt], verdict: 'faulty', exit: 1 },
  { title: 'a host that was not reached', diagnoses: [], hosts: [host(true), host(false)], verdict: 'undetermined', exit: 2 },
  { title: 'an unreached host and a fault', diagnoses: [diagnosis('fault', 'proven')], hosts: [host(false)], verdict: 'faulty', exit: 1 },
  { title: 'no service', diagnoses: [], on: none, verdict: 'undetermined', exit: 2 },
] as const)('$title', ({ diagnoses, verdict, exit, ...rest }) => {
  test(`is ${verdict}, exit code ${exit}`, () => {
    const { doubts = [], hosts = [host(true)], on = some } = rest as { doubts?: NotExamined[]; hosts?: ReportedHost[]; on?: typeof some };
    expect(verdictOf({ hosts, diagnoses, doubts, case: on })).toBe(verdict);
    expect(exitCodeOf(verdict)).toBe(exit);
  });
});
