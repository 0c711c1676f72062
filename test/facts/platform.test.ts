import { expect, test } from 'vitest';
import { parseOsRelease, read, readLocal } from '../../src/facts/platform.js';
import { factSchemas } from '../../src/host/schema-facts.js';
import { hostWith } from './fixtures.js';

test('os-release names the family of a derivative too', () => {
  const text = 'PRETTY_NAME="Rocky Linux 9.3 (Blue Onyx)"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.3"\n';
  expect(parseOsRelease(text)).toEqual({
    os: 'Rocky Linux 9.3 (Blue Onyx)',
    family: ['rocky', 'rhel', 'centos', 'fedora'],
    versionId: '9.3',
  });
  expect(parseOsRelease('')).toEqual({ os: 'unknown', family: [], versionId: '' });
});

const base = { '/proc/sys/kernel/osrelease': '6.1.0\n', '/proc/1/comm': 'systemd\n' };

test('a host without DMI and os-release still has a kernel and a first process', async () => {
  expect(await read(hostWith(base))).toEqual({
    ok: true,
    value: { os: 'unknown', family: [], versionId: '', kernel: '6.1.0', init: 'systemd' },
  });
});

test('a container is known by what its manager left', async () => {
  const kinds = await Promise.all(
    [{ '/.dockerenv': '/.dockerenv\n' }, { '/run/systemd/container': 'lxc\n' }, {}].map((files) => read(hostWith({ ...base, ...files }))),
  );
  expect(kinds.map((fact) => fact.ok && fact.value.virtualization)).toEqual(['docker', 'lxc', undefined]);
});

test('what systeminformation adds about this machine keeps the form', async () => {
  const fact = await readLocal(hostWith(base));
  expect(factSchemas.platform.safeParse(fact.ok && fact.value).success).toBe(true);
});
