import { describe, expect, test } from 'vitest';
import { loadChecks } from '../../src/engine/catalogue.js';
import { scopeOf } from '../../src/engine/run-checks.js';
import { factOf } from '../../src/path/world.js';
import type { Case, Check, FactName, Facts, Snapshot } from '../../src/types.js';
import { articleCase } from '../kit/article.js';
import { articleFaults } from '../kit/cases.js';

/*
 * A check's finding is `unknown` when a fact it declares is missing. A fact that is read but not declared would make it crash or lie
 * on a host that lacks it; one that is declared but never read would make it unknown for nothing.
 */
const checks = await loadChecks();
const cases = Object.entries(articleFaults).map(([name, change]) => ({ name, c: articleCase({ change }) }));
const readBy = new Map([...checks].map(([id, check]) => [id, factsRead(check)]));

function factsRead(check: Check): Set<string> {
  const read = new Set<string>();
  for (const { c } of cases) for (const snapshot of c.snapshots.values()) runOn(check, c, snapshot, read);
  return read;
}

function runOn(check: Check, c: Case, snapshot: Snapshot, read: Set<string>): void {
  const scope = scopeOf(c, snapshot.host);
  if (check.roles.some((role) => scope.roles.includes(role))) check.run(watched(snapshot, read), scope);
}

function watched(snapshot: Snapshot, read: Set<string>): Facts {
  return new Proxy({} as Facts, {
    get: (_, name) => {
      read.add(String(name));
      return factOf(snapshot, name as FactName);
    },
    ownKeys: () => {
      throw new Error('a check must name the facts it reads');
    },
  });
}

test('there are checks in every area', () => {
  const areas = new Set([...checks.keys()].map((id) => id.split('/')[0]));
  expect([...areas].sort()).toEqual(['dsr', 'network', 'nginx', 'proxy', 'upstream', 'worker']);
});

describe.each([...checks])('%s', (id, check) => {
  test('reads no fact that it does not declare, and declares none that it never reads', () => {
    expect([...(readBy.get(id) ?? [])].sort()).toEqual([...check.needs].sort());
  });
});
