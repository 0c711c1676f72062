import { describe, expect, it } from 'vitest';
import type { Asked } from '../../src/engine/asked.js';
import { type ArticleOptions, articleCase, client, vip } from '../kit/article.js';
import { editConfig } from '../kit/change.js';

function answering(to: Asked, options: ArticleOptions = {}): string[] {
  return articleCase({ clients: [client], to, ...options }).services.map(({ id }) => id);
}

describe('services that answer where a client asks', () => {
  it('are those of the port, at an address of their host', () => {
    expect(answering({ address: vip, port: 80 })).toEqual(['http:80/#web']);
    expect(answering({ address: '172.16.0.1', port: 5300 })).toEqual(['udp:5300']);
    expect(answering({ address: 'fd00:99:0::10', port: 80 })).toEqual(['http:80/#web6']);
    expect(answering({ address: vip, port: 81 })).toEqual([]);
    expect(answering({ address: '172.16.0.11', port: 80 })).toEqual([]);
  });

  const both = editConfig('listen 5300 udp;', 'listen 80 udp;');

  it('are of both protocols unless one is chosen', () => {
    expect(answering({ address: vip, port: 80 }, { change: both })).toEqual(['http:80/#web', 'udp:80']);
    expect(answering({ address: vip, port: 80, protocol: 'udp' }, { change: both })).toEqual(['udp:80']);
    expect(answering({ address: vip, port: 80, protocol: 'tcp' }, { change: both })).toEqual(['http:80/#web']);
  });

  it('do not include a wildcard where another socket of that nginx is bound to the very address', () => {
    const second = editConfig('listen 5300 udp;', `listen ${vip}:53 udp;`);
    expect(answering({ address: vip, port: 53 }, { change: second })).toEqual(['udp:53#names_method1']);
    expect(answering({ address: '172.16.0.1', port: 53 }, { change: second })).toEqual(['udp:53#names']);
  });

  it('are asked at that address and no other', () => {
    const { walks } = articleCase({ clients: [client], to: { address: '172.16.0.1', port: 80 } });
    expect(walks.length).toBe(4);
    expect(new Set(walks.map((walk) => walk.vip))).toEqual(new Set(['172.16.0.1']));
    expect(new Set(walks.map((walk) => walk.steps[0]?.packet.destination))).toEqual(new Set(['172.16.0.1']));
  });
});
