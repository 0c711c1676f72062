import type { Case, Check, FactName, Facts, Finding, Hit, Scope, Snapshot } from '../types.js';

/** Runs every check on every host whose role it is for. A missing fact makes it `unknown`; one that throws is a crash of ours and says so. */
export function runChecks(c: Case, checks: ReadonlyMap<string, Check>): Finding[] {
  return [...c.snapshots.values()].flatMap((snapshot) => {
    const scope = scopeOf(c, snapshot.host);
    return [...checks]
      .filter(([, check]) => check.roles.some((role) => scope.roles.includes(role)))
      .flatMap(([id, check]) => runCheck(id, check, snapshot, scope));
  });
}

/** What concerns one host: the services it takes part in, and the walks that cross it. */
export function scopeOf(c: Case, host: string): Scope {
  const walks = c.walks.filter((walk) => walk.service.host === host || walk.steps.some((step) => step.host === host));
  const services = c.services.filter((service) => service.host === host || walks.some((walk) => walk.service === service));
  return { host, roles: c.roles.get(host) ?? [], services, walks, clients: c.clients };
}

function runCheck(id: string, check: Check, snapshot: Snapshot, scope: Scope): Finding[] {
  const base = { check: id, host: snapshot.host };
  const missing = check.needs.map((name) => ({ name, fact: snapshot.facts[name] })).find(({ fact }) => !fact?.ok);
  if (missing) {
    const why = missing.fact && !missing.fact.ok ? missing.fact.why : `${missing.name} was not read`;
    return [{ ...base, status: 'unknown', message: why }];
  }
  try {
    return check.run(factsFor(check.needs, snapshot), scope).map((hit) => toFinding(base, hit));
  } catch (error) {
    return [{ ...base, status: 'crash', message: `tpdoctor's own error: ${error instanceof Error ? error.message : String(error)}` }];
  }
}

/** Just what the check declared, so that it cannot read anything else. */
function factsFor<N extends FactName>(needs: readonly N[], snapshot: Snapshot): Pick<Facts, N> {
  const values = needs.map((name) => {
    const fact = snapshot.facts[name];
    return [name, fact?.ok ? fact.value : undefined] as const;
  });
  return Object.fromEntries(values) as Pick<Facts, N>;
}

function toFinding(base: { check: string; host: string }, { status, message, service, evidence }: Hit): Finding {
  return { ...base, ...(service === undefined ? {} : { service }), status, message, ...(evidence ? { evidence } : {}) };
}
