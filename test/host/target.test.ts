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

  test('over ssh is a host with a user and a port, if need be', () => {
    expect(parseTarget('ssh://web')).toEqual({ kind: 'ssh', host: 'web' });
    expect(parseTarget('ssh://jo.doe@web-1.example:2222/')).toEqual({ kind: 'ssh', host: 'web-1.example', user: 'jo.doe', port: 2222 });
    expect(parseTarget('ssh://root@[fe80::1%eth0]:22', { config: '/tmp/config' })).toEqual({
      kind: 'ssh',
      host: 'fe80::1%eth0',
      user: 'root',
      port: 22,
      config: '/tmp/config',
    });
  });

  test.each([
    ['ssh:web', /expected ssh:/],
    ['ssh://', /host may be/],
    ['ssh://jo:secret@web', /no place for a password/],
    ['ssh://-oProxyCommand=id@web', /user may have/],
    ['ssh://-oProxyCommand=id', /host may be/],
    ['ssh://$(id)@web', /user may have/],
    ['ssh://`id`', /host may be/],
    ['ssh://web;id', /host may be/],
    ['ssh://web id', /host may be/],
    ['ssh://web\nid', /host may be/],
    ['ssh://%h', /host may be/],
    ['ssh://[web]', /host may be/],
    ['ssh://[::1', /expected ssh:/],
    ['ssh://::1', /port|host may be|expected ssh:/],
    ['ssh://[::1%$(id)]', /host may be/],
    ['ssh://web:0', /port/],
    ['ssh://web:65536', /port/],
    ['ssh://web:-1', /port/],
    ['ssh://web/etc', /expected ssh:/],
    [`ssh://${'a'.repeat(300)}`, /host may be/],
  ])('over ssh that could be something else is refused: %j', (text, error) => {
    expect(parseTarget(text)).toEqual({ error: expect.stringMatching(error) });
  });
});
