import { describe, expect, it } from 'vitest';
import { loadChecks, loadRules } from '../../src/engine/catalogue.js';
import { run } from './surroundings.js';

describe('explain', () => {
  it('lists every cause and check with its title', async () => {
    const { code, out } = await run('explain', '--json');
    const listed = JSON.parse(out) as { kind: string; id: string; title: string }[];
    const [causes, checks] = [await loadRules(), await loadChecks()];
    expect(code).toBe(0);
    expect(listed.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      ...[...causes.keys()].map((id) => `cause ${id}`),
      ...[...checks.keys()].map((id) => `check ${id}`),
    ]);
    expect(listed.map(({ title }) => title)).toEqual([...causes.values(), ...checks.values()].map(({ title }) => title));
  });

  it('names every id in the list for people', async () => {
    const { code, out } = await run('explain');
    expect(code).toBe(0);
    const words = out.split(/\s+/);
    for (const id of (await loadRules()).keys()) expect(words).toContain(id);
  });

  it('tells title and reason of one', async () => {
    const id = 'proxy/policy-rule-missing';
    const rule = (await loadRules()).get(id);
    const { code, out } = await run('explain', id);
    const flat = out.replace(/\s+/g, ' ');
    expect(code).toBe(0);
    expect(flat).toContain(rule?.title ?? 'none');
    expect(flat).toContain(rule?.why ?? 'none');
  });

  it.each(['policy-rule-missing', 'proxy/policy-rule-misssing', 'Proxy/Policy-Rule-Missing'])('suggests what %s may mean', async (id) => {
    const { code, err } = await run('explain', id);
    expect(code).toBe(64);
    expect(err).toContain('proxy/policy-rule-missing');
  });

  it('knows an id by a part of it', async () => {
    expect((await run('explain', 'bounding')).err).toContain('worker/capability-outside-bounding-set');
  });

  it('suggests nothing where nothing is near', async () => {
    expect((await run('explain', 'zzzzzzzzzzzz')).err).not.toContain('did you mean');
  });

  it('has what it tells also for programs', async () => {
    const id = 'proxy/local-route-missing';
    const rule = (await loadRules()).get(id);
    const { code, out } = await run('explain', id, '--json');
    const [page, ...others] = JSON.parse(out) as Record<string, unknown>[];
    expect({ code, others }).toEqual({ code: 0, others: [] });
    expect(page).toMatchObject({
      kind: 'cause',
      id,
      title: rule?.title,
      why: rule?.why,
      signs: rule?.signs,
      proof: rule?.proof,
      cure: rule?.cure,
    });
    expect(page?.lasts).toContainEqual({ touches: 'route', family: 'debian', how: expect.stringContaining('/etc/network/interfaces') });
  });

  it('tells what a check looks at', async () => {
    const id = 'proxy/route-to-upstreams';
    const check = (await loadChecks()).get(id);
    const [page] = JSON.parse((await run('explain', id, '--json')).out) as Record<string, unknown>[];
    expect(page).toEqual({
      kind: 'check',
      id,
      title: check?.title,
      why: check?.why,
      fix: check?.fix,
      roles: check?.roles,
      needs: check?.needs,
    });
    const flat = (await run('explain', id)).out.replace(/\s+/g, ' ');
    for (const text of [check?.title, check?.why, check?.fix]) expect(flat).toContain(text);
  });

  it('prints commands whole, however narrow the terminal is', async () => {
    const how = (await loadRules()).get('dsr/rewrite-misses-upstream')?.cure.how ?? '';
    const commands = how.split('\n').filter((line) => line.startsWith('  '));
    const printed = (await run('explain', 'dsr/rewrite-misses-upstream')).out.split('\n').map((line) => line.trim());
    expect(Math.max(...commands.map((command) => command.length))).toBeGreaterThan(80);
    for (const command of commands) expect(printed).toContain(command.trim());
  });

  it.each([
    ['worker', /^worker\//],
    ['dsr/', /^dsr\//],
    ['*valid-mark*', /valid-mark/],
    ['*', /\//],
  ])('lists what %s selects, and only that', async (pattern, fitting) => {
    const all = [...(await loadRules()).keys(), ...(await loadChecks()).keys()];
    const { code, out } = await run('explain', pattern, '--json');
    const listed = JSON.parse(out) as Record<string, string>[];
    expect(code).toBe(0);
    expect(listed.map(({ id }) => id)).toEqual(all.filter((id) => fitting.test(id)));
    expect(listed.length).toBeGreaterThan(0);
    for (const entry of listed) expect(Object.keys(entry)).toEqual(['kind', 'id', 'title']);
    expect((await run('explain', pattern)).out).toContain(listed[0]?.id);
  });

  it.each([
    'a\x1b[31mb\x07',
    '\u202egnorw',
    '__proto__',
    'constructor',
    '',
    ' ',
    '/',
    '../../etc/passwd',
    'proxy/mark-rule-missing\n',
    'x'.repeat(100_000),
    `${'*a'.repeat(5_000)}*`,
  ])('refuses what is no id, printing nothing harmful of it (case %#)', async (id) => {
    const { code, out, err } = await run('explain', id);
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err.trimEnd()).toMatch(/^[\x20-\x7e]{20,400}$/);
  });
});
