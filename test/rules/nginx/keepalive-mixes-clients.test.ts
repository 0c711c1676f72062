import { expect, test } from 'vitest';
import type { Observation } from '../../../src/types.js';
import type { Change } from '../../kit/article.js';
import { client } from '../../kit/article.js';
import { changeFact, changeMaster, editConfig } from '../../kit/change.js';
import { diagnosesWith, ended, observation, webWay } from '../../kit/observed.js';
import { commands, edits, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const reload = '/usr/sbin/nginx -p /usr/share/nginx/ -c /etc/nginx/nginx.conf -s reload';
const keep = editConfig('server 172.16.0.14:80;', 'server 172.16.0.14:80;\n        keepalive 16;');
const http11 = editConfig('proxy_pass http://web;', 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://web;');
const modern = changeMaster({ version: '1.29.7' });

/** After the cure the rule has nothing left to say. */
const isCured = (change: readonly Change[], after: readonly Change[]) => expectHealthy([...change, ...after]);

test('keepalive with HTTP/1.1 under a per-client bind mixes clients; the line goes', () => {
  const found = soleDiagnosis([keep, http11]);
  expect(found).toMatchObject({
    cause: 'nginx/keepalive-mixes-clients',
    host: 'proxy',
    severity: 'fault',
    certainty: 'consistent',
    services: ['http:80/#web'],
  });
  expect(edits(found.fix)).toEqual(['/etc/nginx/nginx.conf:10: keepalive 16; → ']);
  expect(commands(found.fix)).toEqual([reload]);
  isCured([keep, http11], [editConfig('keepalive 16;', '')]);
});

test("an idle connection under a client's address proves it", () => {
  const idle = changeFact('proxy', 'sockets', (sockets) => [
    ...sockets,
    { protocol: 'tcp' as const, state: 'ESTAB', localAddress: client, localPort: 41_000, peerAddress: '172.16.0.11', peerPort: 80 },
  ]);
  expect(soleDiagnosis([keep, http11, idle]).certainty).toBe('proven');
});

test('from nginx 1.29.7 on it mixes them without being told to, and has to be told not to', () => {
  const found = soleDiagnosis(modern);
  expect(found).toMatchObject({ cause: 'nginx/keepalive-mixes-clients', services: ['http:80/#web', 'http:80/#web6'] });
  expect(edits(found.fix).map((edit) => edit.replace(/:\d+:/, ''))).toEqual([
    '/etc/nginx/nginx.conf null →     keepalive 0;',
    '/etc/nginx/nginx.conf null →     keepalive 0;',
  ]);
  expect(leftAfterCures(modern)).toEqual([]);
});

test('the edits of a modern nginx stand inside the upstream blocks once all are made in their order', () => {
  const { fix } = soleDiagnosis(modern);
  let text = '';
  const grab = changeFact('proxy', 'nginxConfig', (configs) => {
    const file = configs[0]?.files['/etc/nginx/nginx.conf'];
    text = file?.ok ? file.text : '';
    return configs;
  });
  const written = (): Change => {
    const lines = text.split('\n');
    for (const step of fix) if (step.kind === 'edit' && step.insert !== null) lines.splice(step.line - 1, 0, step.insert);
    return changeFact('proxy', 'nginxConfig', (configs) =>
      configs.map((config) => ({
        ...config,
        files: { '/etc/nginx/nginx.conf': { ok: true as const, text: lines.join('\n'), modifiedAt: 0 } },
      })),
    );
  };
  expectHealthy([modern, grab, (hosts) => written()(hosts)]);
});

test('a keepalive line of a modern nginx becomes keepalive 0', () => {
  const off6 = editConfig('[fd00:16::14]:80;', '[fd00:16::14]:80;\n        keepalive 0;');
  const found = soleDiagnosis([modern, keep, off6]);
  expect(edits(found.fix)).toEqual(['/etc/nginx/nginx.conf:10: keepalive 16; → keepalive 0;']);
  isCured([modern, keep, off6], [editConfig('keepalive 16;', 'keepalive 0;')]);
});

test('a keepalive line alone does nothing before 1.29.7: HTTP/1.0 is spoken', () => {
  expectHealthy(keep);
});

test('keepalive with HTTP/1.1 but "Connection: close" does nothing', () => {
  expectHealthy([keep, editConfig('proxy_pass http://web;', 'proxy_http_version 1.1; proxy_pass http://web;')]);
});

test('keepalive of a plain service mixes nobody', () => {
  const plain = editConfig(
    '            proxy_bind $remote_addr transparent;\n            proxy_pass http://web;',
    '            proxy_pass http://web;',
  );
  expectHealthy([keep, plain, http11]);
});

test('a literal address in proxy_pass keeps no connections', () => {
  const literal = editConfig(
    'proxy_pass http://web;',
    'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://172.16.0.11:80;',
  );
  expectHealthy([keep, literal]);
});

/** What client `asking` asks for goes to an upstream from `source`. */
function goneUnder(source: string): Observation {
  const way = webWay(1).map((each) => {
    const isBehind = each.leg === 'forward' || each.leg === 'reply';
    const renamed = (end: string) => (isBehind ? end.replace(client, source) : end);
    return { ...each, src: renamed(each.src), dst: renamed(each.dst) };
  });
  return observation([ended(way, 'delivered', { count: 4 })]);
}

const certaintyWith = (seen: Observation) =>
  diagnosesWith(seen, [keep, http11]).flatMap(({ cause, certainty }) => (cause === 'nginx/keepalive-mixes-clients' ? [certainty] : []));

test("requests that leave under another client's address prove it; those under the own address, or nginx's, do not", () => {
  expect(certaintyWith(goneUnder('192.168.99.51'))).toEqual(['proven']);
  expect(certaintyWith(goneUnder(client))).toEqual(['consistent']);
  expect(certaintyWith(goneUnder('172.16.0.1'))).toEqual(['consistent']);
});
