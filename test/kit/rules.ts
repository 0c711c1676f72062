import { expect } from 'vitest';
import type { CaseOptions } from '../../src/engine/case.js';
import { loadRules } from '../../src/engine/catalogue.js';
import { diagnose } from '../../src/engine/diagnose.js';
import { examine } from '../../src/engine/examine.js';
import type { Case, Cure, Diagnosis, FixStep, Report, Rule } from '../../src/types.js';
import { articleCase, articleSnapshots, type Change } from './article.js';
import { editConfig } from './change.js';
import { broughtAbout } from './standing-risks.js';

const rules = await loadRules();

/** What a run over the article's hosts reports besides the times. `unreached` hosts were named, but no snapshot of them was had. */
export type Examined = Pick<Report, 'verdict' | 'hosts' | 'services' | 'diagnoses' | 'notExamined' | 'findings'>;

export interface ExamineOptions extends Partial<CaseOptions> {
  unreached?: readonly string[];
  skipped?: readonly string[];
  rules?: ReadonlyMap<string, Rule>;
}

/** A rule with a page that nobody reads. */
export function ruleThat(run: Rule['run']): Rule {
  return { title: 't', why: 'w', signs: { logs: 'l', packets: 'p' }, proof: 'p', cure: { how: 'h', touches: ['nginx'] }, run };
}

/** The whole engine with every rule on the article's hosts, broken as asked. */
export function examineArticle(change: Change | readonly Change[] = [], options: ExamineOptions = {}): Examined {
  const { unreached = [], skipped = [], rules: some = rules, clients = [], roles = new Map(), ...rest } = options;
  const snapshots = articleSnapshots(change);
  return examine({
    snapshots,
    hosts: [
      ...[...snapshots.keys()].map((name) => ({ name, target: name, reached: true })),
      ...unreached.map((name) => ({ name, target: name, reached: false, why: 'connection timed out' })),
    ],
    options: { clients, roles, ...rest },
    checks: new Map(),
    rules: some,
    skipped,
  });
}

/** Cause and host of each diagnosis but standing risks, in the order of the report. */
export function causesOf({ diagnoses }: Pick<Examined, 'diagnoses'>): string[] {
  return broughtAbout(diagnoses).map(({ cause, host }) => `${cause} ${host}`);
}

/** The one diagnosis that a change leads to; anything beside it is an error. */
export function soleDiagnosis(change: Change | readonly Change[], options: ExamineOptions = {}): Diagnosis {
  const report = examineArticle(change, options);
  const [only, ...others] = broughtAbout(report.diagnoses);
  if (!only || others.length > 0) throw new Error(`expected one diagnosis, got: ${causesOf(report).join(', ') || 'none'}`);
  expect(report.verdict).toBe(expectedVerdict(only));
  return only;
}

function expectedVerdict({ severity, certainty }: Diagnosis): Report['verdict'] {
  if (severity === 'risk') return 'healthy';
  return certainty === 'possible' ? 'undetermined' : 'faulty';
}

/** Asserts that a change only looks bad: nothing is diagnosed, nothing is left in doubt. */
export function expectHealthy(change: Change | readonly Change[], options: ExamineOptions = {}): void {
  const report = examineArticle(change, options);
  expect({ causes: causesOf(report), verdict: report.verdict }).toEqual({ causes: [], verdict: 'healthy' });
}

/** The walks that are not whole, as `service upstream end code`. */
export function unwholeWalks({ walks }: Case): string[] {
  return walks
    .filter((walk) => walk.end !== 'whole')
    .map((walk) => `${walk.service.id} ${walk.upstream.name} ${walk.end} ${walk.steps.at(-1)?.code}`);
}

/** The unwhole walks that are left once every cure was carried out. */
export function leftAfterCures(change: Change | readonly Change[], options: Partial<CaseOptions> = {}): string[] {
  const whole: CaseOptions = { clients: [], roles: new Map(), ...options };
  return unwholeWalks(diagnose(articleCase({ change, ...options }), rules, whole).cured);
}

/** A cure as a change of the snapshots. */
export function applying(cure: Cure): Change {
  return (hosts) => {
    const snapshot = hosts.get(cure.host);
    if (snapshot) hosts.set(cure.host, cure.apply(snapshot));
  };
}

/** The commands of a fix, in order. */
export function commands(fix: readonly FixStep[]): string[] {
  return fix.flatMap((step) => (step.kind === 'command' ? [step.run] : []));
}

/** The edits of a fix as `file:line: removed → inserted`. */
export function edits(fix: readonly FixStep[]): string[] {
  return fix.flatMap((step) => (step.kind === 'edit' ? [`${step.file}:${step.line}: ${step.remove} → ${step.insert}`] : []));
}

const dnsServer = `    server {
        listen 53 udp;
        proxy_bind $remote_addr:$remote_port transparent;
        proxy_responses 0;
        proxy_timeout 1s;
        proxy_pass names;
    }
`;

/** The proxy without its DSR service. */
export const withoutDsr: Change = editConfig(dnsServer, '');
