import { withPort } from '../net/address.js';
import { factOf, type Snapshots } from '../path/world.js';
import type {
  Case,
  Check,
  Diagnosis,
  NotExamined,
  Observation,
  Report,
  ReportedHost,
  ReportedService,
  Rule,
  Service,
  ServiceMode,
} from '../types.js';
import { buildCase, type CaseOptions } from './case.js';
import { diagnose } from './diagnose.js';
import { findDoubts } from './doubts.js';
import { traceOf } from './observed.js';
import { findPacketDoubts } from './packet-doubts.js';
import { runChecks } from './run-checks.js';
import { findUnseen } from './unseen.js';
import { verdictOf } from './verdict.js';

export interface Examination {
  snapshots: Snapshots;
  /** Hosts as the user named them, reached or not; roles are filled in here. */
  hosts: readonly Omit<ReportedHost, 'roles'>[];
  options: CaseOptions;
  checks: ReadonlyMap<string, Check>;
  rules: ReadonlyMap<string, Rule>;
  /** Ids that the user left out. */
  skipped: readonly string[];
  /** What packets showed, when they were captured. */
  observed?: Observation;
  /** Ids of the only services that the verdict is about; all when absent. */
  about?: ReadonlySet<string>;
}

/** Snapshots in, findings and diagnoses out. Pure: a live run, a file and a replay are examined by the same code. */
export function examine({
  snapshots,
  hosts,
  options,
  checks,
  rules,
  skipped,
  observed,
  about,
}: Examination): Omit<Report, 'schema' | 'tool' | 'command' | 'startedAt' | 'tookMs'> {
  const c: Case = { ...buildCase(snapshots, options), ...(observed === undefined ? {} : { observed }) };
  const findings = runChecks(c, checks);
  const { diagnoses: all, unexplained, crashes } = diagnose({ ...c, findings }, rules, options);
  const isAbout = (services: readonly string[]) => about === undefined || services.length === 0 || services.some((id) => about.has(id));
  const scope: Case = about === undefined ? c : { ...c, walks: c.walks.filter(({ service }) => about.has(service.id)) };
  const diagnoses = all.filter(({ services }) => isAbout(services));
  const doubts = [
    ...findDoubts(
      scope,
      unexplained.filter(({ service }) => isAbout([service.id])),
    ),
    ...findPacketDoubts(scope, diagnoses),
    ...[...crashes].map(([cause, why]) => ({ what: cause, why: `tpdoctor's own error: ${why}` })),
  ];
  const trace = traceOf(c);
  const reported = hosts.map((host) => ({ ...host, roles: [...(c.roles.get(host.name) ?? [])], ...versionsOf(c, host.name) }));
  return {
    verdict: verdictOf({ hosts: reported, diagnoses, doubts, case: scope }),
    hosts: reported,
    services: c.services.map((service) => reportService(c, service)),
    diagnoses,
    notExamined: [
      ...(observed === undefined ? noServices(c) : []),
      ...doubts,
      ...findUnseen(scope),
      ...all.filter((diagnosis) => !isAbout(diagnosis.services) && diagnosis.severity === 'fault').map(elsewhere),
      ...skipped.map(skippedEntry),
    ],
    findings,
    ...(trace === undefined ? {} : { trace }),
  };
}

function versionsOf(c: Case, host: string): Pick<ReportedHost, 'versions'> {
  const snapshot = c.snapshots.get(host);
  const [platform, nginx] = [factOf(snapshot, 'platform'), factOf(snapshot, 'nginx')];
  if (!platform) return {};
  const running = new Set(nginx?.masters.flatMap(({ version }) => version ?? []));
  return { versions: { os: platform.os, kernel: platform.kernel, nginx: [...running] } };
}

function elsewhere({ cause, host, services }: Diagnosis): NotExamined {
  return { what: `${cause} on ${host}`, why: `it concerns ${services.join(', ')}, which was not asked about`, settle: 'tpdoctor check' };
}

function noServices(c: Case): NotExamined[] {
  if (c.services.some((service) => service.mode !== 'plain')) return [];
  if (c.services.length > 0) {
    const why = "none of them binds to the client's address (proxy_bind), so there is no transparency to examine";
    return [{ what: `services ${c.services.map(({ id }) => id).join(', ')}`, why }];
  }
  const names = [...c.snapshots.keys()].join(', ');
  return [
    {
      what: 'any service',
      why: `no running nginx with a proxy_pass was found on ${names === '' ? 'any host' : names}`,
      settle: "name nginx's host with --host NAME=TARGET, and run as root",
    },
  ];
}

function skippedEntry(id: string): NotExamined {
  return { what: id, why: 'left out by --skip or --only' };
}

function reportService(c: Case, service: Service): ReportedService {
  return {
    id: service.id,
    host: service.host,
    protocol: service.protocol,
    listen: service.listeners.map((listener) => withPort(listener.address ?? (listener.family === 4 ? '0.0.0.0' : '::'), listener.port)),
    upstreams: service.upstreams.map((upstream) => upstream.name),
    mode: shownMode(c, service),
    at: { file: service.at.file, line: service.at.line },
  };
}

/** A DSR service is told more closely where the facts show which host rewrites the replies, or would have to. */
function shownMode(c: Case, service: Service): ServiceMode {
  if (service.mode !== 'dsr') return service.mode;
  const replies = c.walks.filter((walk) => walk.service.id === service.id).map((walk) => walk.steps.filter((step) => step.leg === 'reply'));
  const origin = (steps: (typeof replies)[number]) => steps[0]?.host;
  const rewrites = replies.flatMap((steps) => steps.filter((step) => step.code === 'rewritten').map((step) => step.host === origin(steps)));
  if (rewrites.length > 0) return rewrites.some(Boolean) ? 'dsr-origin-nat' : 'dsr-router-nat';
  const passes = replies.filter((steps) => steps.length > 0);
  if (passes.length === 0) return 'dsr';
  return passes.some((steps) =>
    steps.some((step) => step.host !== origin(steps) && (step.code === 'forwarded' || step.code === 'not-forwarded')),
  )
    ? 'dsr-router-nat'
    : 'dsr-origin-nat';
}
