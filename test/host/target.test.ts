import { describe, expect, test } from 'vitest';
import { parseTarget } from '../../src/host/target.js';

describe('a target', () => {
  test('is this machine, a namespace or a file', () => {
    expect(parseTarget('local')).toEqual({ kind: 'local' });
    expect(parseTarget('netns:web-1.a_b')).toEqual({ kind: 'netns', name: 'web-1.a_b' });
    expect(parseTarget('./local.json')).toEqual({ kind: 'file', path: './local.json' });
  });

  test('a name that could leave /run/netns or pass for an option is refused', () => {
    const names = ['', '-t', '../../proc/1/ns/net', '..', '.', 'a b', 'a\nb', 'x'.repeat(65), '$(id)', '/proc/1/ns/net'];
    expect(names.filter((name) => !('error' in parseTarget(`netns:${name}`)))).toEqual([]);
  });

  test('ssh is refused with a way out', () => {
    expect(parseTarget('ssh://root@web')).toMatchObject({ error: expect.stringContaining('--save') });
  });
});
