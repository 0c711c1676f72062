import { describe, expect, it } from 'vitest';
import { routeProvenance, Trail } from '../../src/path/trail.js';
import { describeAnswer } from '../../src/path/world.js';
import type { Packet, PolicyRule } from '../../src/types.js';
import { articleSnapshots } from '../kit/article.js';
import { changeFact } from '../kit/change.js';

const packet: Packet = {
  family: 4,
  protocol: 17,
  source: '172.16.0.11',
  destination: '192.168.99.50',
  sourcePort: 53,
  destinationPort: 4000,
  mark: 0,
};

function trailOn(host: string, rules: readonly Partial<PolicyRule>[] = []): Trail {
  const more = rules.map((rule): PolicyRule => ({ family: 4, priority: 50, action: 'table', table: '9', ...rule }));
  return new Trail(articleSnapshots(changeFact('proxy', 'policyRules', (old) => [...old, ...more])), host, packet);
}

describe('a trail', () => {
  it('leaves the mark behind when the packet goes to another host', () => {
    const trail = trailOn('dev1');
    trail.packet = { ...packet, mark: 5 };
    trail.out = 'eth0';
    trail.arrive('proxy', 'eth1');
    expect([trail.host, trail.in, trail.out, trail.packet.mark]).toEqual(['proxy', 'eth1', undefined, 0]);
  });

  it('keeps the packet as it was when a step began', () => {
    const trail = trailOn('proxy');
    trail.add({ place: 'route', code: 'routed', did: 'leaves' });
    trail.packet = { ...packet, source: '192.168.99.10' };
    expect(trail.steps).toEqual([expect.objectContaining({ host: 'proxy', outcome: 'ok', packet })]);
    expect(trail.broken).toBe(false);
    trail.add({ place: 'route', code: 'no-route', did: 'stops', outcome: 'broken' });
    expect(trail.broken).toBe(true);
  });

  it('asks with the in-interface only for what comes in, and with the mark only when there is one', () => {
    const trail = trailOn('proxy');
    trail.arrive('proxy', 'eth1');
    expect(trail.route('input').question).toEqual({ to: packet.destination, from: packet.source, iif: 'eth1' });
    expect(trail.route('output').question).toEqual({ to: packet.destination, from: packet.source });
    trail.packet = { ...packet, mark: 1 };
    expect(trail.route('input')).toMatchObject({ question: { mark: 1 }, answer: { type: 'local', table: '100' }, from: 'model' });
  });

  it('asks with ports where a rule of that family selects by them', () => {
    const ports = { ipProtocol: 17, sourcePort: 53, destinationPort: 4000 };
    expect(trailOn('proxy', [{ destinationPort: [53, 53] }]).route('output').question).toMatchObject(ports);
    expect(trailOn('proxy', [{ destinationPort: [53, 53], family: 6 }]).route('output').question).not.toMatchObject(ports);
  });
});

it('names the command that settles a routing question', () => {
  const [said] = routeProvenance({
    question: { to: '10.0.0.1', mark: 1 },
    answer: { type: 'unicast', link: 'eth0', via: '10.0.0.9' },
    from: 'kernel',
  });
  expect(said?.source).toBe('ip route get 10.0.0.1 mark 0x1');
  expect(said?.what).toContain('via 10.0.0.9 dev eth0');
  expect(describeAnswer({ type: 'local', table: '100' })).toContain('100');
});
