import { describe, expect, test } from 'vitest';
import { concerns, endpointOf, linesSinceStart, logEvidence } from '../../src/engine/log-evidence.js';
import type { Case, ErrorLogLine } from '../../src/types.js';
import { articleCase, type Change } from '../kit/article.js';
import { changeMaster } from '../kit/change.js';
import { logLine } from '../kit/log-line.js';

const hour = 3600;
const linesOf = (change: Change | readonly Change[]) => linesSinceStart(articleCase({ change }), 'proxy');
const walkOf = (c: Case, service: string, upstream: string) => {
  const found = c.walks.find((walk) => walk.service.id === service && walk.upstream.address === upstream);
  if (!found) throw new Error(`no walk of ${service} to ${upstream}`);
  return found;
};

describe('lines since the workers started', () => {
  test('a line written after the start counts, one from before does not', () => {
    expect(linesOf([logLine('upstream-timeout', hour - 10), logLine('upstream-timeout', hour + 10)])).toHaveLength(1);
  });

  test('a line of the very second in which the worker started counts: the log has whole seconds', () => {
    expect(linesOf(logLine('upstream-timeout', hour + 1))).toHaveLength(1);
    expect(linesOf(logLine('upstream-timeout', hour + 2))).toHaveLength(0);
  });

  test('without workers the start of the master counts', () => {
    expect(linesOf([logLine('upstream-timeout', hour - 10), changeMaster({ workers: [] })])).toHaveLength(1);
  });

  test('lines of a master that does not run any more do not count', () => {
    expect(linesOf(logLine('upstream-timeout', 5, { master: 99 }))).toEqual([]);
  });
});

describe('what a line is about', () => {
  const c = articleCase();
  const line = (upstream?: string): ErrorLogLine => ({
    master: 700,
    at: 0,
    kind: 'upstream-timeout',
    source: { file: 'error.log' },
    text: '',
    ...(upstream === undefined ? {} : { upstream }),
  });
  const web = walkOf(c, 'http:80/#web', '172.16.0.11');
  const dns = walkOf(c, 'udp:53', '172.16.0.11');

  test.each([
    ['http://172.16.0.11:80/', true],
    ['172.16.0.11:80', true],
    ['http://172.16.0.12:80/', false],
    ['http://172.16.0.11:8080/', false],
    ['udp://172.16.0.11:80', false],
    ['unix:/run/app.sock', false],
  ])('%s', (upstream, expected) => {
    expect(concerns(line(upstream), web)).toBe(expected);
  });

  test('a UDP upstream is told from TCP by its scheme', () => {
    expect(concerns(line('udp://172.16.0.11:53'), dns)).toBe(true);
    expect(concerns(line('172.16.0.11:53'), dns)).toBe(false);
  });

  test('a line that names no upstream concerns every walk of its master, none of another', () => {
    expect(concerns(line(), web)).toBe(true);
    expect(concerns({ ...line(), master: 1 }, web)).toBe(false);
  });
});

test('endpoints are read in every form that the log prints', () => {
  expect(endpointOf('http://[fd00:16::11]:80/x?y')).toEqual({ address: 'fd00:16::11', port: 80 });
  expect(endpointOf('udp://172.16.0.11:53')).toEqual({ address: '172.16.0.11', port: 53 });
  expect(endpointOf('172.16.0.11')).toBeUndefined();
  expect(endpointOf('http://999.1.1.1:80/')).toBeUndefined();
  expect(endpointOf('')).toBeUndefined();
});

test('evidence is one entry for each kind, with the newest line and how many there were', () => {
  const change = [
    logLine('upstream-timeout', 50, { text: 'old', upstream: 'http://172.16.0.11:80/' }),
    logLine('upstream-timeout', 5, { text: 'newest', upstream: 'http://172.16.0.11:80/' }),
    logLine('upstream-timeout', 5, { text: 'elsewhere', upstream: 'http://172.16.0.14:80/' }),
    logLine('connect-refused', 20, { text: 'refused' }),
  ];
  const c = articleCase({ change });
  const evidence = logEvidence(c, [walkOf(c, 'http:80/#web', '172.16.0.11')]);
  expect(evidence).toHaveLength(2);
  expect(evidence[0]).toMatchObject({ host: 'proxy', source: '/var/log/nginx/error.log' });
  expect(evidence[0]?.what).toMatch(/^2×.*newest$/);
  expect(evidence[1]?.what).toMatch(/^1×.*refused$/);
});
