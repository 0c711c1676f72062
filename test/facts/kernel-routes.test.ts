import { describe, expect, test } from 'vitest';
import { ask, parseAnswer } from '../../src/facts/kernel-routes.js';
import type { Host, Reply, RouteAnswer, RouteQuestion } from '../../src/types.js';
import { fixture, releases } from './fixtures.js';

/** Questions as they were typed and what each release's `ip route get` printed; the same question may occur under other sysctls and rules. */
function answers(release: string): { question: string; answer: RouteAnswer | undefined }[] {
  return fixture(`${release}/route-get.txt`)
    .split('> ')
    .slice(1)
    .map((entry) => {
      const [typed = '', output = ''] = entry.split('\n');
      const [to = '', ...words] = typed.split(' ');
      const iif = words[words.indexOf('iif') + 1];
      const question: RouteQuestion = { to, ...(iif === undefined || !words.includes('iif') ? {} : { iif }) };
      const reply: Reply = output.startsWith('[') ? { ok: true, text: output, stderr: '' } : { ok: false, why: output };
      return { question: typed, answer: parseAnswer(reply, question) };
    });
}

describe.each(releases)('ip route get of %s', (release) => {
  const said = (question: string) => answers(release).flatMap((entry) => (entry.question === question ? [entry.answer] : []));
  const kinds = (question: string) => said(question).map((answer) => (answer?.type === 'error' ? answer.error : answer?.type));
  const incoming = (to: string) => kinds(`${to} from 192.0.2.77 iif eth0`);

  test('own addresses are local, neighbours and gateways are links', () => {
    expect(said('192.0.2.1')[0]).toEqual({ type: 'local', table: 'local' });
    expect(said('192.0.2.55')[0]).toEqual({ type: 'unicast', link: 'eth0', source: '192.0.2.1' });
    expect(said('198.18.4.1')[0]).toMatchObject({ type: 'unicast', link: 'eth0', via: 'fe80::1' });
    expect(said('10.1.1.1 from 192.0.2.77 iif eth0 mark 0x1')).toEqual([{ type: 'local', table: '100' }]);
    expect(kinds('192.0.2.255')[0]).toBe('broadcast');
    expect(kinds('224.0.0.1')[0]).toBe('multicast');
  });

  test('blackhole, unreachable and prohibit refuse what is made here; throw leads on', () => {
    expect(['198.18.0.1', '198.18.1.1', '198.18.2.1', '198.18.3.1'].map((to) => kinds(to)[0])).toEqual([
      'refused',
      'refused',
      'refused',
      'no-route',
    ]);
  });

  test('a packet that comes in has no route while forwarding is off, and one when it is on', () => {
    expect(incoming('192.0.2.55')).toEqual(['no-route', 'unicast']);
    expect(incoming('198.18.2.1')).toEqual(['no-route', 'refused']);
  });

  test('a source that fails validation is told from a missing route', () => {
    expect(kinds('192.0.2.1 from 192.0.2.77 iif eth1')).toEqual(['invalid-source']);
    expect(kinds('192.0.2.1 from 192.0.2.1 iif eth0')).toEqual(['invalid-source']);
  });

  test('IPv6 validates no source: an invalid argument is a blackhole', () => {
    expect(kinds('2001:db8:bb::1 from 2001:db8::99 iif eth0')).toEqual(['refused']);
    expect(kinds('2002::1 from 2001:db8::99 iif eth0')).toEqual(['no-route']);
    expect(kinds('2001:db8::5')).toEqual(['unicast']);
  });

  test('a link that does not exist is no answer about a route', () => {
    expect(said('192.0.2.1 from 192.0.2.77 iif nope')).toEqual([undefined]);
  });
});

test('words that ip would take for options are never sent', async () => {
  const sent: unknown[] = [];
  const host: Host = async (query) => {
    sent.push(query);
    return { ok: false, why: 'RTNETLINK answers: Network is unreachable' };
  };
  const asked = await ask(host, [
    { to: 'fibmatch' },
    { to: '192.0.2.1', iif: '-json' },
    { to: '192.0.2.1', from: 'x' },
    { to: '192.0.2.2' },
  ]);
  expect(sent).toEqual([{ run: ['ip', '-j', 'route', 'get', '192.0.2.2'] }]);
  expect(asked).toMatchObject({ ok: true, value: [{ question: { to: '192.0.2.2' }, answer: { error: 'no-route' } }] });
});

test('a host without ip makes the fact unknown', async () => {
  expect(await ask(async () => ({ ok: false, why: 'ip: not found' }), [{ to: '192.0.2.2' }])).toMatchObject({ ok: false });
});
