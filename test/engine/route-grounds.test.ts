import { describe, expect, it } from 'vitest';
import { routeGrounds } from '../../src/engine/route-grounds.js';
import type { RouteAnswer, RouteQuestion } from '../../src/types.js';
import { articleSnapshots, type Change, client } from '../kit/article.js';
import { addRoute, loseFact, setForwarding } from '../kit/change.js';

const reply: RouteQuestion = { to: client, from: '172.16.0.11', iif: 'eth1', mark: 1 };

function grounds(answer: RouteAnswer | undefined, question: RouteQuestion = reply, change: Change | readonly Change[] = []): string[] {
  const snapshot = articleSnapshots(change).get('proxy');
  return routeGrounds(snapshot, { question, answer, from: 'kernel' }).map(({ source, what }) => `${source}: ${what}`);
}

describe('what a routing decision rests on', () => {
  it('is the rule and the route that the model found where it decides as the kernel did', () => {
    expect(grounds({ type: 'local', table: '100' })).toEqual([
      expect.stringMatching(/^ip rule show: \d+: from all fwmark 0x1 lookup 100$/),
      'ip route show table 100: local 0.0.0.0/0 dev lo',
    ]);
  });

  it.each<RouteAnswer>([
    { type: 'unicast', link: 'eth0' },
    { type: 'error', error: 'no-route', text: 'No route to host' },
  ])('is not told where the kernel decided otherwise: %j', (answer) => {
    expect(grounds(answer)).toEqual([]);
  });

  it('is not told for a way over another link or gateway than the kernel took', () => {
    const question: RouteQuestion = { to: '198.51.100.9' };
    const wayOut = addRoute('proxy', { to: '0.0.0.0/0', nextHops: [{ link: 'eth0', via: '192.168.99.1' }] });
    expect(grounds({ type: 'unicast', link: 'eth0', via: '192.168.99.1' }, question, wayOut)).toEqual([
      'ip route show table main: 0.0.0.0/0 via 192.168.99.1 dev eth0',
    ]);
    expect(grounds({ type: 'unicast', link: 'eth0', via: '192.168.99.254' }, question, wayOut)).toEqual([]);
    expect(grounds({ type: 'unicast', link: 'eth1', via: '192.168.99.1' }, question, wayOut)).toEqual([]);
  });

  it('is the forwarding switch where that alone stands in the way', () => {
    const unmarked: RouteQuestion = { to: client, from: '172.16.0.11', iif: 'eth1' };
    const refused: RouteAnswer = { type: 'error', error: 'no-route', text: 'No route to host' };
    expect(grounds(refused, unmarked, setForwarding('proxy', 0))).toContain('/proc/sys/net/ipv4/ip_forward: 0');
  });

  it('is nothing where the facts are missing or nobody answered', () => {
    expect(grounds({ type: 'local', table: '100' }, reply, loseFact('proxy', 'routes'))).toEqual([]);
    expect(grounds(undefined)).toEqual([]);
  });
});
