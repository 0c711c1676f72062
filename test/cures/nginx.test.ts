import { expect, test } from 'vitest';
import { directiveText, editConfig, findMaster, lineAt, restartMaster } from '../../src/cures/nginx.js';
import { factOf } from '../../src/path/world.js';
import type { At, NginxMaster, Snapshot } from '../../src/types.js';
import { articleSnapshots, type Change, configFile, masterPid } from '../kit/article.js';
import { changeMaster, changeWorkers } from '../kit/change.js';

function proxy(change: Change | readonly Change[] = []): Snapshot {
  const snapshot = articleSnapshots(change).get('proxy');
  if (!snapshot) throw new Error('the article has no proxy');
  return snapshot;
}
const at = (line: number, column = 1, file = configFile): At => ({ file, line, column });
const worker = (snapshot: Snapshot) => findMaster(snapshot, masterPid)?.workers[0];
const userLine = { at: at(1), remove: 'user www-data;', insert: 'user root;', why: 'why' };

test('an edit names the file and the line, then this very master is reloaded', () => {
  const cure = editConfig(proxy(), masterPid, userLine);
  expect(cure?.steps).toEqual([
    { host: 'proxy', kind: 'edit', file: configFile, line: 1, remove: 'user www-data;', insert: 'user root;', why: 'why' },
    expect.objectContaining({ kind: 'command', run: '/usr/sbin/nginx -p /usr/share/nginx/ -c /etc/nginx/nginx.conf -s reload' }),
  ]);
});

test('the copy has the new line, the original the old one', () => {
  const before = proxy();
  const after = editConfig(before, masterPid, userLine)?.apply(before) ?? before;
  expect([lineAt(before, masterPid, at(1)), lineAt(after, masterPid, at(1))]).toEqual(['user www-data;', 'user root;']);
  expect(lineAt(after, masterPid, at(2))).toBe(lineAt(before, masterPid, at(2)));
});

test('nothing to remove inserts a line before', () => {
  const before = proxy();
  const after = editConfig(before, masterPid, { at: at(2), remove: null, insert: 'daemon on;', why: 'why' })?.apply(before) ?? before;
  expect([1, 2, 3].map((line) => lineAt(after, masterPid, at(line)))).toEqual(['user www-data;', 'daemon on;', 'worker_processes 1;']);
});

test.each([
  ['text that is not on that line', { ...userLine, at: at(2) }],
  ['a line beyond the end', { ...userLine, at: at(5000) }],
  ['a file that is not there', { ...userLine, at: at(1, 1, '/etc/nginx/other.conf') }],
])('%s is not edited', (_title, edit) => {
  expect(editConfig(proxy(), masterPid, edit)).toBeUndefined();
});

test('a master that is gone is neither edited nor started', () => {
  expect(editConfig(proxy(), 1, userLine)).toBeUndefined();
  expect(restartMaster(proxy(), 1, 'why')).toBeUndefined();
});

test('a file is named as the host sees it where the master has a root of its own', () => {
  const [step] = editConfig(proxy(changeMaster({ root: '/proc/700/root' })), masterPid, userLine)?.steps ?? [];
  expect(step).toMatchObject({ kind: 'edit', file: '/proc/700/root/etc/nginx/nginx.conf' });
});

test('text with the signs of a replacement pattern is put in as it is', () => {
  const before = proxy();
  const after = editConfig(before, masterPid, { ...userLine, insert: "user $& $1 $';" })?.apply(before) ?? before;
  expect(lineAt(after, masterPid, at(1))).toBe("user $& $1 $';");
});

test('a directive is read as its file has it, up to the semicolon', () => {
  expect(directiveText(proxy(), masterPid, { name: 'user', at: at(1) })).toBe('user www-data;');
  expect(directiveText(proxy(), masterPid, { name: 'user', at: at(2) })).toBeUndefined();
  expect(directiveText(proxy(), masterPid, { name: 'http', at: at(4) })).toBeUndefined();
});

const able = '0000000000002000';
const unable: Change = changeWorkers({ effectiveCapabilities: '0' });
const workerAfter = (change: Partial<NginxMaster>) => {
  const before = proxy([unable, changeMaster(change)]);
  return worker(editConfig(before, masterPid, userLine)?.apply(before) ?? before)?.effectiveCapabilities;
};

test('a reload gives the workers CAP_NET_RAW where the master can give it', () => {
  expect(Number.parseInt(workerAfter({}) ?? '', 16)).toBe(Number.parseInt(able, 16));
});

test.each([
  ['a master that is not root', { uid: 33 }],
  ['a bounding set without it', { boundingCapabilities: '000001ffffffdfff' }],
] satisfies [string, Partial<NginxMaster>][])('%s cannot give it', (_title, change) => {
  expect(workerAfter(change)).toBe('0');
});

test('a restart from a root shell mends uid, bounding set and workers', () => {
  const before = proxy(changeMaster({ uid: 33, boundingCapabilities: '0', workers: [] }));
  const after = restartMaster(before, masterPid, 'why')?.apply(before) ?? before;
  const master = factOf(after, 'nginx')?.masters[0];
  expect(master?.uid).toBe(0);
  expect(master?.workers).toHaveLength(1);
});
