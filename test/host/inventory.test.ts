import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseInventory } from '../../src/host/inventory.js';

function mistakes(source: string): string[] {
  const read = parseInventory(source);
  return read.ok ? [] : read.mistakes.map(({ line, column, text }) => `${line}:${column} ${text}`);
}

function inventory(source: string) {
  const read = parseInventory(source);
  return read.ok ? read.inventory : expect.unreachable(mistakes(source).join('\n'));
}

test('hosts, roles, groups, clients, and what ssh is told of all or of one', () => {
  const { hosts, groups, clients } = inventory(`
ssh: { user: admin, jump: jo@bastion:2222, identityFile: keys/id }
clients: [203.0.113.0/24]
hosts:
  proxy:
    target: ssh://10.0.0.1
    roles: [proxy, router]
  dev1: { target: 'ssh://root@10.0.0.11:2200', ssh: { port: 22, config: ssh.conf } }
  dev2: netns:dev2
groups:
  upstreams: [dev1, dev2]
`);
  const common = { jump: 'jo@bastion:2222', identityFile: 'keys/id' };
  expect(Object.fromEntries(hosts)).toEqual({
    proxy: { target: 'ssh://admin@10.0.0.1', roles: ['proxy', 'router'], ssh: common },
    dev1: { target: 'ssh://root@10.0.0.11:2200', ssh: { ...common, config: 'ssh.conf' } },
    dev2: { target: 'netns:dev2' },
  });
  expect(groups.get('upstreams')).toEqual(['dev1', 'dev2']);
  expect(clients).toEqual(['203.0.113.0/24']);
});

test('what several hosts share may be written once', () => {
  const { hosts } = inventory('hosts:\n  a: &far { target: ssh://a, ssh: { port: 22 } }\n  b: { <<: *far, target: ssh://b }\n');
  expect(hosts.get('b')?.target).toBe('ssh://b:22');
});

describe('a mistake is told with its line and column', () => {
  it.each([
    ['hosts:\n  proxy:\n    targt: local\n', ['2:3 "target" is missing', '3:5 "targt" means nothing here']],
    ['hosts: {}\nhost: {}\n', ['2:1 "host" means nothing here']],
    ['hosts:\n  proxy: { target: local, roles: [prxy] }\n', ['2:35 Invalid option']],
    ['hosts:\n  "a b": local\n', ['2:3 a name has']],
    ['hosts:\n  a: local\n  a: local\n', ['3:3 Map keys must be unique']],
    ['hosts:\n  a: local\ngroups:\n  all: [a, b]\n', ['4:12 there is no host "b"']],
    ['hosts:\n  a: { target: ssh://a, ssh: { port: 70000 } }\n', ['2:32 Too big']],
    ['hosts:\n  a: [local]\n', ['2:3 expected a target, or target, roles and ssh']],
    ['hosts:\n  a: "local\n', ['3:1 Missing closing "quote']],
    ['- a\n', ['1:1 Invalid input: expected object']],
    ['', ['1:1 Invalid input: expected object']],
  ])('%j', (source, told) => {
    const found = mistakes(source);
    expect(found).toHaveLength(told.length);
    for (const [n, text] of told.entries()) expect(found[n]).toContain(text);
  });

  it('also where aliases repeat without end', () => {
    const levels = Array.from({ length: 9 }, (_, n) => `x${n + 1}: &x${n + 1} [${Array(9).fill(`*x${n}`).join(', ')}]`);
    expect(mistakes(`x0: &x0 [a]\n${levels.join('\n')}\nhosts: *x9\n`)).toHaveLength(1);
  });
});

test('no text makes it throw, and names of JavaScript are names like others', () => {
  const word = fc.constantFrom(
    'hosts',
    'groups',
    'ssh',
    'target',
    '__proto__',
    'constructor',
    '<<',
    '*a',
    '&a',
    ':',
    '-',
    '{',
    '}',
    '[',
    ']',
    '\n',
    '  ',
    '"',
    '!!js',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 6 })), { maxLength: 30 }), (words) => void parseInventory(words.join(' '))),
  );
  expect(mistakes('hosts:\n  constructor: local\ngroups:\n  g: [toString]\n')).toEqual(['4:7 there is no host "toString"']);
});
