import { expect, test } from 'vitest';
import { scopeOf } from '../../src/engine/run-checks.js';
import { factOf } from '../../src/path/world.js';
import { type CaptureFacts, captureFacts, captureOf } from '../../src/reasoning/reply-on-proxy.js';
import type { Case } from '../../src/types.js';
import { articleCase } from '../kit/article.js';
import { changeMaster, dropMarkRules, editConfig } from '../kit/change.js';

function captures(c: Case) {
  const entries = captureFacts.map((name) => [name, factOf(c.snapshots.get('proxy'), name)]);
  const scope = scopeOf(c, 'proxy');
  return scope.walks.flatMap((walk) => captureOf(Object.fromEntries(entries) as CaptureFacts, scope, walk) ?? []);
}

const told = ({ walk, mark, takenIn, decision }: ReturnType<typeof captures>[number]) => ({
  service: walk.service.id,
  upstream: walk.upstream.name,
  mark,
  takenIn,
  in: decision?.in,
});

test('a reply that the walk never got to is followed all the same, with the same result', () => {
  const walked = captures(articleCase()).map(told);
  const assumed = captures(articleCase({ change: changeMaster({ workers: [] }) })).map(told);
  expect(walked).toHaveLength(12);
  expect(assumed).toEqual(walked);
  expect(walked.every(({ mark, takenIn }) => mark === 1 && takenIn)).toBe(true);
});

test('the same holds where it is not taken in', () => {
  const walked = captures(articleCase({ change: dropMarkRules('proxy') })).map(told);
  const assumed = captures(articleCase({ change: [dropMarkRules('proxy'), changeMaster({ workers: [] })] })).map(told);
  expect(assumed).toEqual(walked);
  expect(walked.some(({ takenIn }) => takenIn)).toBe(false);
});

test('DSR replies and upstreams on this host are left out', () => {
  const c = articleCase({ change: editConfig('172.16.0.11:80', '172.16.0.1:80') });
  expect(captures(c).map(({ walk }) => walk.upstream.name)).not.toContain('172.16.0.1:80');
  expect(captures(c).some(({ walk }) => walk.service.id === 'udp:53')).toBe(false);
});
