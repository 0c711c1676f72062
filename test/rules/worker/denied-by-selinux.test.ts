import { expect, test } from 'vitest';
import type { Selinux, SelinuxDenial } from '../../../src/types.js';
import { type Change, client } from '../../kit/article.js';
import { changeFact, changeMaster, changeWorkers } from '../../kit/change.js';
import { now } from '../../kit/host.js';
import { logLine } from '../../kit/log-line.js';
import { commands, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

// Made of lines as Fedora's and RHEL's audit logs have them: the kernels that labs can be built on have no SELinux policy.
const denial = (change: Partial<SelinuxDenial> = {}): SelinuxDenial => ({
  at: now - 60,
  permissions: ['net_raw'],
  source: 'httpd_t',
  target: 'httpd_t',
  class: 'capability',
  text: 'type=AVC msg=audit(1749999940.000:9): avc:  denied  { net_raw } for  pid=701 comm="nginx" capability=13',
  ...change,
});
const selinux = (denials: readonly SelinuxDenial[], change: Partial<Selinux> = {}): Change =>
  changeFact('proxy', 'selinux', () => ({ mode: 'enforcing', denials, ...change }));
const connection = (port: number) =>
  denial({ permissions: ['name_connect'], class: 'tcp_socket', target: 'unreserved_port_t', port, text: 'type=AVC name_connect' });
const refused = logLine('setsockopt-transparent', 10, { errno: 1, client, upstream: 'http://172.16.0.11:80/' });
const asRoot = changeWorkers({ uid: 0, effectiveCapabilities: '1ffffffffff' });

test('a denied capability is a fault of every transparent service; a policy module of that very line is the cure', () => {
  const found = soleDiagnosis(selinux([denial(), denial({ at: now - 30 })]));
  expect(found).toMatchObject({ cause: 'worker/denied-by-selinux', host: 'proxy', severity: 'fault', certainty: 'proven' });
  expect(found.services).toHaveLength(4);
  const [step] = found.fix;
  const name = /nginx_transparent_[0-9a-f]{8}/.exec(step?.kind === 'command' ? step.run : '')?.[0];
  expect(step).toMatchObject({
    run: `d=$(mktemp -d) && (cd "$d" && printf '%s\\n' '${denial().text}' | audit2allow -M ${name} && semodule -i ${name}.pp) && rm -r "$d"`,
    undo: `semodule -r ${name}`,
  });
});

test('a denied connection concerns the services with that port; the boolean is the cure', () => {
  const found = soleDiagnosis(selinux([connection(80)]));
  expect(found.services).toEqual(['http:80/#web', 'http:80/#web6']);
  expect(found.fix).toMatchObject([
    { run: 'setsebool -P httpd_can_network_connect on', undo: 'setsebool -P httpd_can_network_connect off' },
  ]);
});

test('workers that died of it are started again', () => {
  const died = [changeMaster({ workers: [] }), selinux([denial({ permissions: ['setcap'], class: 'process' })])];
  const found = soleDiagnosis(died);
  expect(found.cause).toBe('worker/denied-by-selinux');
  expect(commands(found.fix)[1]).toMatch(/^kill -QUIT 700/);
});

test('without the audit log it is possible at most, and only where nothing else refuses an able worker', () => {
  const unread = selinux([], { unread: '/var/log/audit/audit.log: No such file or directory' });
  expect(soleDiagnosis([unread, refused])).toMatchObject({ cause: 'worker/denied-by-selinux', certainty: 'possible', fix: [] });
  expectHealthy(unread);
  expectHealthy([selinux([]), refused]);
});

test.each([
  ['it only records', [selinux([denial()], { mode: 'permissive' })]],
  ['the denial is older than the workers', [selinux([denial({ at: now - 4000 })])]],
  ['a file was denied', [selinux([denial({ permissions: ['read'], class: 'file' })])]],
  ['a connection to a port of no service was denied', [selinux([connection(9999)])]],
  ['the worker has another capability that serves', [asRoot, selinux([denial()])]],
])('nothing is said where %s', (_, change) => {
  expectHealthy(change);
});

test('both capabilities denied leave a root worker none', () => {
  expect(soleDiagnosis([asRoot, selinux([denial({ permissions: ['net_raw', 'net_admin'] })])]).cause).toBe('worker/denied-by-selinux');
});

test("binding to a client's own port that was denied stops the services that do", () => {
  const bound = denial({
    permissions: ['name_bind'],
    class: 'udp_socket',
    target: 'unreserved_port_t',
    port: 5000,
    text: 'audit: type=1400',
  });
  const found = soleDiagnosis(selinux([bound]));
  expect(found.services).toEqual(['udp:53']);
  expect(found).toMatchObject({ cause: 'worker/denied-by-selinux', certainty: 'proven' });
  expect(found.evidence).toContainEqual({ host: 'proxy', what: 'audit: type=1400', source: 'journalctl --dmesg' });
  expectHealthy(selinux([{ ...bound, class: 'tcp_socket' }]));
});
