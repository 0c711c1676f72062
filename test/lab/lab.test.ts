import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { articleServices, articleTopology } from './article.js';
import { type Lab, raiseLab } from './lab.js';

/** Pids in a network namespace, given as /proc/PID/ns/net shows it. */
function processesIn(namespaces: ReadonlySet<string>): string[] {
  return readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      return namespaces.has(readlinkSync(`/proc/${entry}/ns/net`));
    } catch {
      return false;
    }
  });
}

const namespacesOf = (id: string): string[] => readdirSync('/run/netns').filter((name) => name.startsWith(`${id}-`));

describe('the lab', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await raiseLab(articleTopology({ withGateway: true }));
  });
  afterAll(() => lab.remove());

  it.each(articleServices)('answers %s from every upstream, and each sees the client', async (service) => {
    const { ok, met, problems } = await lab.probe(service);
    expect({ ok, met, problems }).toEqual({ ok: true, met: ['dev1', 'dev2', 'dev3', 'dev4'], problems: [] });
  });

  it('has unprivileged workers', async () => {
    const workers = await lab.must('proxy', 'ps -o user= --ppid "$(cat nginx.pid)"');
    expect(workers.trim()).toBe('www-data');
  });

  it('names its hosts as the command line takes them', () => {
    expect(lab.hostArguments().slice(0, 4)).toEqual(['--host', `client=netns:${lab.id}-client`, '--host', `proxy=netns:${lab.id}-proxy`]);
  });

  it('tells what a script printed and how it ended', async () => {
    expect(await lab.exec('dev1', 'echo out; echo err >&2; false; echo unreached')).toEqual({ code: 1, stdout: 'out', stderr: 'err' });
  });

  it('refuses to replace what is not there', async () => {
    await expect(lab.change([{ host: 'proxy', replace: [['no such text', '']] }])).rejects.toThrow('no such text');
  });
});

describe('removal', () => {
  it('leaves no process, namespace or file, and may be repeated', async () => {
    const lab = await raiseLab();
    const namespaces = new Set(namespacesOf(lab.id).map((name) => `net:[${statSync(`/run/netns/${name}`).ino}]`));
    expect(namespaces.size).toBe(7);
    expect(processesIn(namespaces).length).toBeGreaterThan(10);
    await lab.remove();
    await lab.remove();
    expect(processesIn(namespaces)).toEqual([]);
    expect(namespacesOf(lab.id)).toEqual([]);
    expect(existsSync(lab.dir)).toBe(false);
  });

  it('follows a failure while raising', async () => {
    const notes = mkdtempSync(join(tmpdir(), 'notes-'));
    const topology = articleTopology();
    const failing = topology.hosts.map((host) =>
      host.name === 'dev4' ? { ...host, setup: `${host.setup}\necho "$LAB $PWD $(cat nginx.pid)" > ${notes}/where\nexit 7` } : host,
    );
    await expect(raiseLab({ ...topology, hosts: failing })).rejects.toThrow('dev4: exit 7');
    const [id = '', directory = '', pid = ''] = readFileSync(`${notes}/where`, 'utf8').trim().split(' ');
    rmSync(notes, { recursive: true });
    expect(id).toMatch(/^tp/);
    expect(namespacesOf(id)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    expect(existsSync(`/proc/${pid}/fd/0`)).toBe(false);
  });
});
