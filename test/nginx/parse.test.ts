import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { build } from '../../src/nginx/build.js';
import { limits, parseConfig } from '../../src/nginx/parse.js';
import type { Directive } from '../../src/types.js';
import { filesOf } from './config-files.js';

const main = '/etc/nginx/nginx.conf';

/** Directives without their places, as nested arrays. */
function shape(directives: readonly Directive[]): unknown[] {
  return directives.map(({ name, args, block, opaque }) => [
    name,
    ...args,
    ...(block ? [shape(block)] : []),
    ...(opaque === undefined ? [] : [{ opaque }]),
  ]);
}

describe('places', () => {
  test('a directive is where its first word begins, counted from 1', () => {
    const [user, http] = parseConfig(filesOf('user root;\n\n  http # here\n{\n\tserver { }\n}\n')).directives;
    expect(user?.at).toEqual({ file: main, line: 1, column: 1 });
    expect(http?.at).toEqual({ file: main, line: 3, column: 3 });
    expect(http?.block?.[0]?.at).toEqual({ file: main, line: 5, column: 2 });
  });

  test('line feeds inside quotes count', () => {
    expect(parseConfig(filesOf('a "x\ny\nz"; b;')).directives[1]?.at).toEqual({ file: main, line: 3, column: 5 });
  });
});

describe('include', () => {
  test('is read in place, once per including context', () => {
    const files = filesOf('http { include common; server { include /etc/nginx/common; } }', {
      '/etc/nginx/common': 'proxy_bind $remote_addr transparent;',
    });
    const bind = ['proxy_bind', '$remote_addr', 'transparent'];
    expect(shape(parseConfig(files).directives)).toEqual([['http', [bind, ['server', [bind]]]]]);
  });

  test('relative paths start from the directory of the main file, also in files from elsewhere', () => {
    const files = filesOf('include /srv/a;', { '/srv/a': 'include b;', '/etc/nginx/b': 'x;' });
    expect(shape(parseConfig(files).directives)).toEqual([['x']]);
  });

  test('a pattern gives its files in order; one without a match is fine', () => {
    const globs = { '/etc/nginx/conf.d/*.conf': ['/etc/nginx/conf.d/a.conf', '/etc/nginx/conf.d/b.conf'], '/etc/nginx/none/*': [] };
    const files = filesOf(
      'include conf.d/*.conf; include none/*;',
      { '/etc/nginx/conf.d/a.conf': 'a;', '/etc/nginx/conf.d/b.conf': 'b;' },
      globs,
    );
    expect(parseConfig(files)).toMatchObject({ problems: [], missing: { files: [], globs: [] } });
    expect(shape(parseConfig(files).directives)).toEqual([['a'], ['b']]);
  });

  test('what is not at hand is asked for', () => {
    expect(parseConfig(filesOf('include a; include b/*;')).missing).toEqual({ files: ['/etc/nginx/a'], globs: ['/etc/nginx/b/*'] });
  });

  test('a file that does not exist is fatal, one that may not be read is unread', () => {
    const files = filesOf('include gone; include secret; user root;');
    const withFailures = {
      ...files,
      files: {
        ...files.files,
        '/etc/nginx/gone': { ok: false, why: 'No such file or directory' } as const,
        '/etc/nginx/secret': { ok: false, why: 'Permission denied' } as const,
      },
    };
    const { problems, directives } = parseConfig(withFailures);
    expect(problems.map(({ kind }) => kind)).toEqual(['fatal', 'unread']);
    expect(shape(directives)).toEqual([['user', 'root']]);
  });

  test('a file that includes itself, also by way of another, is fatal', () => {
    const { problems } = parseConfig(filesOf('include a;', { '/etc/nginx/a': 'include b;', '/etc/nginx/b': 'include a;' }));
    expect(problems).toMatchObject([{ kind: 'fatal', at: { file: '/etc/nginx/b', line: 1, column: 1 } }]);
  });

  test('an included file must close its own blocks', () => {
    for (const text of ['server {', '}', 'server { }}']) {
      expect(parseConfig(filesOf('http { include a; }', { '/etc/nginx/a': text })).problems).toMatchObject([
        { kind: 'fatal', at: { file: '/etc/nginx/a' } },
      ]);
    }
  });

  test('a name that objects inherit is no file', () => {
    const { missing } = parseConfig({ ...filesOf('include /__proto__; include /constructor*;') });
    expect(missing).toEqual({ files: ['/__proto__'], globs: ['/constructor*'] });
  });
});

describe('Lua blocks', () => {
  const opaque = (code: string): string | undefined => parseConfig(filesOf(`a_by_lua_block {${code}} after;`)).directives[0]?.opaque;

  test.each([
    ' local t = { { } } ',
    ' s = "}" ',
    " s = '\\'}' ",
    ' -- }\n ',
    ' --[[ } \n ]] ',
    ' --[==[ ]] } ]==] ',
    ' s = [[ } ]] ',
    ' s = [=[ ]] } ]=] ',
    ' t[1] = { [2] = "a;b{" } ',
  ])('are kept whole: %j', (code) => {
    expect(opaque(code)).toBe(code);
    expect(parseConfig(filesOf(`a_by_lua_block {${code}} after;`)).directives[1]?.name).toBe('after');
  });

  test('one that never ends is fatal', () => {
    expect(parseConfig(filesOf('a_by_lua_block { "}')).problems).toMatchObject([{ kind: 'fatal' }]);
  });
});

describe('bounds', () => {
  test('blocks too deep, files too large and too many directives stop the reading and say so', () => {
    const deep = parseConfig(filesOf('a {'.repeat(100_000)));
    const large = parseConfig(filesOf(' '.repeat(limits.fileBytes + 1)));
    const many = parseConfig(filesOf('a;'.repeat(limits.directives + 1)));
    for (const { problems } of [deep, large, many]) expect(problems).toMatchObject([{ kind: 'unread' }]);
    expect(many.directives).toHaveLength(limits.directives);
  });

  test('files that add up to too much, or multiply, end soon', () => {
    const megabyte = ' '.repeat(1 << 20);
    const { problems } = parseConfig(filesOf('include a;'.repeat(100), { '/etc/nginx/a': megabyte }));
    expect(problems[0]).toMatchObject({ kind: 'unread', at: { column: (limits.totalBytes >> 20) * 10 + 1 - 10 } });
    const levels = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`/etc/nginx/${i}`, `include ${i + 1}; include ${i + 1};`]));
    expect(parseConfig(filesOf('include 0;', { ...levels, '/etc/nginx/60': '' })).problems.map(({ kind }) => kind)).toContain('unread');
  });

  test('no text makes it fail or hang', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('{', '}', ';', '"', "'", '\\', '${', '#', '\n', 'include a*;', 'x_by_lua_block {', '[==['),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        expect(parseConfig(filesOf(text)).directives.length).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('build', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.string({ unit: 'grapheme', maxLength: 10 }),
    fc.stringMatching(/^[{};"'\\$# \n\t\r)a]{0,12}$/),
  );
  const name = word.filter(
    (text) =>
      text !== 'include' && !text.endsWith('_by_lua_block') && !['types', 'map', 'geo', 'split_clients', 'charset_map'].includes(text),
  );
  const at = { file: main, line: 1, column: 1 };
  const { directives } = fc.letrec<{ directives: Directive[]; directive: Directive }>((tie) => ({
    directive: fc.oneof(
      { maxDepth: 3 },
      fc.record({ name, args: fc.array(word, { maxLength: 4 }), at: fc.constant(at) }),
      fc.record({ name, args: fc.array(word, { maxLength: 2 }), at: fc.constant(at), block: tie('directives') }),
    ),
    directives: fc.array(tie('directive'), { maxLength: 4 }),
  }));

  test('what was built parses back to the same', () => {
    fc.assert(
      fc.property(directives, (original) => {
        const { directives: parsed, problems } = parseConfig(filesOf(build(original)));
        expect(problems).toEqual([]);
        expect(shape(parsed)).toEqual(shape(original));
      }),
      { numRuns: 1000 },
    );
  });

  test('Lua blocks are written as they were', () => {
    const text = 'location / {\n    content_by_lua_block { ngx.say("}") }\n}\n';
    expect(build(parseConfig(filesOf(text)).directives)).toBe(text);
  });
});
