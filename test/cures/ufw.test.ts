import { expect, test } from 'vitest';
import { parseIptables } from '../kit/article.js';
import { changeFact } from '../kit/change.js';
import { expectHealthy, leftAfterCures, soleDiagnosis } from '../kit/rules.js';

/** The chains of ufw that matter here, with what users allow or deny. */
const ufw = (host: string, input: readonly string[], forward: readonly string[] = []) =>
  changeFact(host, 'iptablesNft', (tables) => [
    ...tables,
    ...[4 as const, 6 as const].flatMap((family) => {
      const prefix = family === 4 ? 'ufw' : 'ufw6';
      const before = (hook: string, rest: readonly string[]) => [
        `-A ${hook.toUpperCase()} -j ${prefix}-before-${hook}`,
        // What is forwarded is not tracked in setups with a stateless rewrite.
        ...(hook === 'input' ? [`-A ${prefix}-before-${hook} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`] : []),
        `-A ${prefix}-before-${hook} -j ${prefix}-user-${hook}`,
        ...rest.map((rule) => `-A ${prefix}-user-${hook} ${rule}`),
      ];
      const chains = ['before', 'user'].flatMap((kind) => ['input', 'forward'].map((hook) => `:${prefix}-${kind}-${hook} - [0:0]`));
      const lines = ['*filter', ':INPUT DROP [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]', ...chains];
      return parseIptables([...lines, ...before('input', input), ...before('forward', forward), 'COMMIT', ''].join('\n'), family);
    }),
  ]);

const services = ['-p tcp -m tcp --dport 80 -j ACCEPT', '-p udp -m udp --dport 53 -j ACCEPT', '-p udp -m udp --dport 5300 -j ACCEPT'];
const [http = '', ...names] = services;

test('what nobody allowed is allowed for both families at once, and needs nothing to last', () => {
  const change = ufw('dev1', names);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'upstream/firewall-drops-request', host: 'dev1', services: ['http:80/#web', 'http:80/#web6'] });
  expect(found.fix).toEqual([
    { host: 'dev1', kind: 'command', run: 'ufw allow 80/tcp', undo: 'ufw delete allow 80/tcp', why: expect.any(String) },
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('what was denied is allowed before that', () => {
  const change = ufw('dev1', ['-p tcp -m tcp --dport 80 -j DROP', http, ...names]);
  expect(soleDiagnosis(change).fix).toMatchObject([
    {
      run: 'ufw prepend allow in on eth0 proto tcp from any to any port 80',
      undo: 'ufw delete allow in on eth0 proto tcp from any to any port 80',
    },
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('replies that are forwarded are routed in its words, upstream by upstream', () => {
  const change = ufw('proxy', services);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'dsr/firewall-drops-reply', host: 'proxy', services: ['udp:53'] });
  expect(found.fix[0]).toMatchObject({
    run: 'ufw route allow proto udp from 172.16.0.11 port 53 to any',
    undo: 'ufw route delete allow proto udp from 172.16.0.11 port 53 to any',
  });
  expect(leftAfterCures(change)).toEqual([]);
});

test('with the services allowed and replies routed it is fine', () => {
  expectHealthy([ufw('proxy', services, ['-s 172.16.0.0/24 -p udp -m udp --sport 53 -j ACCEPT']), ufw('dev1', services)]);
});
