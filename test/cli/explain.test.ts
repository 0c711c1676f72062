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
});
