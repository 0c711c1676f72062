import { expect, test } from 'vitest';
import { scopeOf } from '../../src/engine/run-checks.js';
import { answeredHere, nameOf, opinionsByClient, opinionsOn, ownServices, servedHere, summarize } from '../../src/reasoning/hits.js';
import { articleCase } from '../kit/article.js';
import { dropSockets, editConfig, removeHost } from '../kit/change.js';

test('a pass is said only where nothing worse is', () => {
  expect(summarize([{ status: 'pass', message: 'fine' }]).map(({ status }) => status)).toEqual(['pass']);
  expect(
    summarize([
      { status: 'pass', message: 'fine' },
      { status: 'unknown', message: 'who knows' },
      { status: 'fail', message: 'broken' },
    ]).map(({ status }) => status),
  ).toEqual(['fail', 'unknown']);
  expect(summarize([])).toEqual([]);
});

test('the same said of several is said once', () => {
  const [hit] = summarize(['a', 'b', 'a'].map((about) => ({ status: 'fail' as const, about, message: 'is lost' })));
  expect(hit?.message).toBe('a and b: is lost');
});

test('evidence is kept once and bounded', () => {
  const opinions = Array.from({ length: 40 }, (_, index) => ({
    status: 'fail' as const,
    message: 'lost',
    evidence: [{ host: 'proxy', what: `rule ${index % 20}`, source: 'iptables-save' }],
  }));
  expect(summarize(opinions)[0]?.evidence).toHaveLength(8);
});

test('own services are those of this nginx that use the client’s address', () => {
  const c = articleCase({ change: editConfig('proxy_bind $remote_addr:$remote_port transparent;', '') });
  expect(ownServices(scopeOf(c, 'proxy')).map(({ id }) => id)).not.toContain('udp:53');
  expect(ownServices(scopeOf(c, 'dev1'))).toEqual([]);
});

test('an upstream serves what reaches it, whether or not it answers', () => {
  const scope = scopeOf(articleCase({ change: dropSockets('dev1', 80) }), 'dev1');
  expect(servedHere(scope).map(({ id }) => id)).toContain('http:80/#web');
  expect(scope.walks.filter((walk) => answeredHere(scope, walk)).every(({ upstream }) => upstream.address?.endsWith('11'))).toBe(true);
  expect(servedHere(scopeOf(articleCase(), 'proxy'))).toEqual([]);
});

test('a failure is softened only where the client is made up', () => {
  for (const [c, status] of [
    [articleCase(), 'fail'],
    [articleCase({ change: removeHost('client') }), 'warn'],
  ] as const) {
    const scope = scopeOf(c, 'proxy');
    const [service] = ownServices(scope);
    if (!service) throw new Error('no service');
    expect(opinionsByClient(scope, service, () => ({ status: 'fail', message: 'lost' }))[0]?.status).toBe(status);
    expect(opinionsOn(scope, service, () => ({ status: 'fail', message: 'lost' }))[0]?.status).toBe('fail');
  }
});

test('an upstream is called by its name, with the address where that says more', () => {
  const at = { file: 'nginx.conf', line: 1, column: 1 };
  const upstream = { address: '172.16.0.11', port: 80, down: false, backup: false, at };
  expect(nameOf({ ...upstream, name: '172.16.0.11:80' })).toBe('172.16.0.11:80');
  expect(nameOf({ ...upstream, name: 'app1:80' })).toBe('app1:80 (172.16.0.11:80)');
  expect(nameOf({ port: 80, name: 'app1:80', down: false, backup: false, at })).toBe('app1:80');
});
