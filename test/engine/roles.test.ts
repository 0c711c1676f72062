import { expect, test } from 'vitest';
import { findRoles } from '../../src/engine/roles.js';
import type { Role } from '../../src/types.js';
import { articleCase } from '../kit/article.js';
import { addHost } from '../kit/change.js';
import { makeHost } from '../kit/host.js';

const rolesOf = (options: Parameters<typeof articleCase>[0] = {}) => Object.fromEntries(articleCase(options).roles);

test('roles follow from the facts: nginx runs on the proxy, which is the upstreams gateway as well', () => {
  expect(rolesOf()).toEqual({
    client: ['client'],
    proxy: ['proxy', 'router'],
    dev1: ['upstream'],
    dev2: ['upstream'],
    dev3: ['upstream'],
    dev4: ['upstream'],
  });
});

test('a role that the user states wins', () => {
  const stated = new Map<string, readonly Role[]>([['client', ['router']]]);
  expect(rolesOf({ roles: stated }).client).toEqual(['router']);
});

const forwarding = { sysctls: { 'net/ipv4/ip_forward': '1' } };

test('a host that forwards between two links is a router', () => {
  const router = makeHost({ name: 'gw', links: { eth0: ['10.0.0.1/24'], eth1: ['10.0.1.1/24'] }, facts: forwarding });
  expect(rolesOf({ change: addHost(router) }).gw).toEqual(['router']);
});

test('a laptop with one link is no router, whatever ip_forward says', () => {
  const laptop = makeHost({ name: 'laptop', links: { eth0: ['192.168.99.77/24'] }, facts: forwarding });
  expect(rolesOf({ change: addHost(laptop) }).laptop).toEqual(['client']);
});

test('the next hop of another host is a router', () => {
  const far = makeHost({ name: 'far', links: { eth0: ['192.168.99.78/24'] }, gateways: ['192.168.99.50'] });
  expect(rolesOf({ change: addHost(far) }).client).toEqual(['router']);
});

test('a host whose addresses could not be read is a client at most', () => {
  const bare = { format: 1 as const, host: 'bare', takenAt: '', facts: {} };
  expect(Object.fromEntries(findRoles(new Map([['bare', bare]]), [], new Map()))).toEqual({ bare: ['client'] });
});
