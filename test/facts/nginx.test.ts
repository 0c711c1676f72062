import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseBuild, parseCommandLine, parsePids, read } from '../../src/facts/nginx.js';
import { read as readConfig } from '../../src/facts/nginx-config.js';
import { shellHost } from '../../src/host/shell-host.js';
import { openHost } from '../../src/host/target.js';
import { hasStreamBuiltIn, locateConfig, parseOptions, streamModulePath } from '../../src/nginx/command-line.js';
import { parseConfig } from '../../src/nginx/parse.js';
import type { Host, NginxMaster, NginxProcesses } from '../../src/types.js';
import { httpConfig, Scratch } from '../nginx/real-nginx.js';

const localHost = openHost({ kind: 'local' });
const scratches: Scratch[] = [];
const newScratch = (): Scratch => {
  const scratch = new Scratch();
  scratches.push(scratch);
  return scratch;
};
afterAll(() => Promise.all(scratches.map((scratch) => scratch.remove())));

async function processes(host: Host = localHost): Promise<NginxProcesses> {
  const fact = await read(host);
  if (!fact.ok) throw new Error(fact.why);
  return fact.value;
}

async function masterOf(pid: number): Promise<NginxMaster> {
  const master = (await processes()).masters.find((candidate) => candidate.pid === pid);
  if (!master) throw new Error(`no master ${pid}`);
  return master;
}

const port = 21000 + (process.pid % 20000);
const quiet = `server { listen 127.0.0.1:${port}; }`;

/** A loaded machine takes its time. */
const patience = { timeout: 20_000 };

describe('a running nginx', () => {
  test('is read the same where grep does not know binary files', async () => {
    const pid = await newScratch().start(httpConfig(`server { listen 127.0.0.1:${port + 6}; }`, 'daemon off; worker_processes 2;'));
    const plain: Host = async (query) =>
      'run' in query && query.run[0] === 'grep' ? { ok: false, why: 'grep: unrecognized option: a', text: '' } : localHost(query);
    const [here, there] = [await processes(), await processes(plain)].map(({ masters }) => masters.find((master) => master.pid === pid));
    expect(there?.workers.map((worker) => worker.pid)).toEqual(here?.workers.map((worker) => worker.pid));
    expect(there?.commandLine).toBe(here?.commandLine);
    expect(here?.workers).toHaveLength(2);
  });

  test('is found with its workers, files, version and start', async () => {
    const scratch = newScratch();
    const before = Date.now() / 1000;
    const pid = await scratch.start(httpConfig(quiet, 'daemon off; worker_processes 2; user www-data;'));
    const master = await masterOf(pid);
    expect(master).toMatchObject({
      uid: 0,
      prefix: scratch.directory,
      configFile: join(scratch.directory, 'conf/nginx.conf'),
      root: '',
      executable: '/usr/sbin/nginx',
      version: execFileSync('sh', ['-c', 'nginx -v 2>&1'], { encoding: 'utf8' }).replace(/^.*\/([\d.]+).*\s*$/, '$1'),
    });
    expect(master.workers).toHaveLength(2);
    for (const worker of master.workers) {
      expect(worker).toMatchObject({ parent: pid, uid: expect.any(Number), noNewPrivileges: false });
      expect(worker.uid).not.toBe(0);
    }
    for (const { startedAt } of [master, ...master.workers]) {
      expect(startedAt).toBeGreaterThan(before - 0.5);
      expect(startedAt).toBeLessThan(Date.now() / 1000 + 0.5);
    }
  });

  test('that serves without a master is its own worker', async () => {
    const scratch = newScratch();
    const file = scratch.write(
      'conf/nginx.conf',
      httpConfig(`server { listen 127.0.0.1:${port + 1}; }`, 'daemon off; master_process off;'),
    );
    await whileRunning(['nginx', '-p', scratch.directory, '-c', file, '-e', 'stderr'], async (pid) => {
      await expect
        .poll(async () => (await processes()).masters.find((master) => master.pid === pid)?.workers.map((worker) => worker.pid), patience)
        .toEqual([pid]);
    });
  });

  test('of another network namespace is elsewhere, until one looks from there', async () => {
    const scratch = newScratch();
    const file = scratch.write('conf/nginx.conf', httpConfig(`server { listen ${port}; }`, 'daemon off;'));
    await whileRunning(['unshare', '-n', 'nginx', '-p', scratch.directory, '-c', file, '-e', 'stderr'], async (pid) => {
      await expect.poll(async () => (await processes()).elsewhere.map((master) => master.pid), patience).toContain(pid);
      expect((await processes()).masters.map((master) => master.pid)).not.toContain(pid);
      const inside = shellHost((program) => ['nsenter', `--net=/proc/${pid}/ns/net`, '--', 'sh', '-c', program]);
      expect((await processes(inside)).masters.map((master) => master.pid)).toEqual([pid]);
    });
  });

  test('that ended while it was looked at is neither here nor elsewhere', async () => {
    const scratch = newScratch();
    const pid = await scratch.start(httpConfig(`server { listen 127.0.0.1:${port + 4}; }`, 'daemon off; worker_processes 1;'));
    const asked: string[] = [];
    const ending: Host = async (query) => {
      const reply = await localHost(query);
      if ('read' in query && query.read === `/proc/${pid}/cmdline`) {
        asked.push(query.read);
        return { ok: false, why: 'No such file or directory' };
      }
      const isNamespaces = 'run' in query && query.run[0] === 'stat' && reply.text?.includes('/ns/net');
      return isNamespaces && reply.text ? { ...reply, text: reply.text.replace(new RegExp(`^.*/${pid}/.*\n`, 'm'), '') } : reply;
    };
    const { masters, elsewhere } = await processes(ending);
    expect(asked).toHaveLength(1);
    expect([...masters, ...elsewhere].map((master) => master.pid)).not.toContain(pid);
  });

  test('with a root of its own has its files read inside that root, absolute links too', async () => {
    const scratch = newScratch();
    const root = join(scratch.directory, 'root');
    const site = scratch.write('site', `server { listen 127.0.0.1:${port + 2}; }`);
    const conf = scratch.write('conf/inner.conf', httpConfig('include sites/*;', 'daemon off; worker_processes 1; user root;'));
    mkdirSync(root);
    const enter = `mount -t tmpfs none "$1" && cd "$1" && mkdir -p usr dev etc old srv/sites srv/tmp srv/logs && ln -s usr/lib lib && ln -s usr/lib64 lib64 &&
      mount --bind /usr usr && mount --bind /dev dev && mount --bind /etc etc && cp "$2" srv/real && ln -s /srv/real srv/sites/a && cp "$3" srv/nginx.conf &&
      pivot_root . old && exec nginx -p /srv -c nginx.conf -e stderr`;
    await whileRunning(['unshare', '-m', 'sh', '-c', enter, 'sh', root, site, conf], async (pid) => {
      await expect.poll(async () => (await processes()).masters.map((master) => master.pid), patience).toContain(pid);
      // As in a container, the link itself tells nothing.
      expect(readlinkSync(`/proc/${pid}/root`)).toBe('/');
      const master = await masterOf(pid);
      expect(master).toMatchObject({ root: `/proc/${pid}/root`, prefix: '/srv', configFile: '/srv/nginx.conf' });
      const config = await readConfig(localHost, { masters: [master], elsewhere: [] });
      expect(config.ok && Object.keys(config.value[0]?.files ?? {})).toEqual(['/srv/nginx.conf', '/srv/sites/a']);
      expect(config.ok && config.value[0]?.files['/srv/sites/a']).toMatchObject({ ok: true, text: readFileSync(site, 'utf8') });
    });
  });
});

/** Runs a program for as long as `act` takes; it is ended whatever happens. */
async function whileRunning([program = '', ...args]: readonly string[], act: (pid: number) => Promise<void>): Promise<void> {
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = new Promise((done) => child.once('exit', done));
  try {
    await act(child.pid ?? 0);
  } finally {
    child.kill();
    await ended;
  }
}

describe('its configuration', () => {
  test('is read with everything that it includes and the times of change', async () => {
    const scratch = newScratch();
    mkdirSync(join(scratch.directory, 'conf/sites'));
    scratch.write('conf/sites/b.conf', `include conf.inc; server { listen 127.0.0.1:${port + 3}; }`);
    scratch.write('conf/conf.inc', '');
    symlinkSync('b.conf', join(scratch.directory, 'conf/sites/a.conf'));
    const pid = await scratch.start(httpConfig('include sites/*.conf; include none/*.conf;', 'daemon off; worker_processes 1;'));
    const config = await readConfig(localHost, { masters: [await masterOf(pid)], elsewhere: [] });
    const files = config.ok ? config.value[0] : undefined;
    const at = (name: string): string => join(scratch.directory, 'conf', name);
    expect(Object.keys(files?.files ?? {})).toEqual([at('nginx.conf'), at('sites/a.conf'), at('sites/b.conf'), at('conf.inc')]);
    expect(files?.globs[at('none/*.conf')]).toEqual([]);
    const main = files?.files[at('nginx.conf')];
    expect(main?.ok && Math.abs(main.modifiedAt - Date.now() / 1000)).toBeLessThan(30);
    expect(main?.ok && main.modifiedAt % 1).not.toBe(0);
    const parsed = files && parseConfig(files);
    expect(parsed).toMatchObject({ problems: [], missing: { files: [], globs: [] } });
    expect(parsed?.directives.find(({ name }) => name === 'http')?.block?.filter(({ name }) => name === 'server')).toHaveLength(2);
  });
});

describe('what tools print', () => {
  const fixture = (name: string): string => readFileSync(join(import.meta.dirname, 'fixtures/nginx', name), 'utf8');
  const where = (name: string): unknown => {
    const { version, configureArguments } = parseBuild(fixture(name));
    return [version, ...Object.values(locateConfig(parseOptions([]), configureArguments, '/'))];
  };

  test('nginx -V of several builds gives version, prefix and main file', () => {
    const packaged = ['/usr/share/nginx', '/etc/nginx/nginx.conf'];
    expect(where('debian-11.txt')).toEqual(['1.18.0', ...packaged]);
    expect(where('debian-12.txt')).toEqual(['1.22.1', ...packaged]);
    expect(where('debian-13.txt')).toEqual(['1.26.3', ...packaged]);
    expect(where('rhel-9.txt')).toEqual(['1.20.1', ...packaged]);
    expect(where('nginx-plus.txt')).toEqual(['1.25.5', '/etc/nginx', '/etc/nginx/nginx.conf']);
    expect(where('openresty.txt')).toEqual(['1.21.4', '/usr/local/openresty/nginx', '/usr/local/openresty/nginx/conf/nginx.conf']);
    expect(parseBuild('sh: not found')).toEqual({ configureArguments: '' });
  });

  test('they tell whether the stream module is built in, or where it would lie', () => {
    const stream = (name: string) => {
      const { configureArguments } = parseBuild(fixture(name));
      return [hasStreamBuiltIn(configureArguments), streamModulePath(configureArguments)];
    };
    expect(stream('debian-12.txt')).toEqual([false, '/usr/lib/nginx/modules/ngx_stream_module.so']);
    expect(stream('nginx-plus.txt')).toEqual([true, undefined]);
    expect(hasStreamBuiltIn('--prefix=/a --with-stream --with-stream_ssl_module')).toBe(true);
    expect(hasStreamBuiltIn('--prefix=/a --with-stream_ssl_module')).toBe(false);
    expect(hasStreamBuiltIn('')).toBeUndefined();
    expect(streamModulePath('--with-stream=dynamic')).toBe('/usr/local/nginx/modules/ngx_stream_module.so');
  });

  test.each([
    ['nginx', {}],
    ['nginx -p /srv -c a.conf', { prefix: '/srv', configFile: 'a.conf' }],
    ['nginx -p/srv -ca.conf', { prefix: '/srv', configFile: 'a.conf' }],
    ['nginx -g daemon on; master_process on;', { globalDirectives: 'daemon on; master_process on;' }],
    ['nginx -g daemon off; -c /a.conf', { globalDirectives: 'daemon off;', configFile: '/a.conf' }],
    ['nginx -g pid /run/x.pid; -e /e.log -p /srv', { globalDirectives: 'pid /run/x.pid;', errorLog: '/e.log', prefix: '/srv' }],
    ['nginx -qc /a.conf', { configFile: '/a.conf' }],
    ['nginx -t -c /a.conf', { configFile: '/a.conf', oneShot: true }],
    ['nginx -s reload', { oneShot: true }],
    ['nginx -c', { configFile: '' }],
  ])('options of %s', (line, expected) => expect(parseOptions(line.split(' ').slice(1))).toEqual({ oneShot: false, ...expected }));

  test('relative paths start from the working directory, then from the prefix', () => {
    expect(locateConfig(parseOptions(['-p', 'lab/', '-c', 'a/b.conf']), '', '/home')).toEqual({
      prefix: '/home/lab',
      configFile: '/home/lab/a/b.conf',
    });
  });

  test('only processes named as nginx is are looked at', () => {
    expect(parsePids('/proc/1/comm:nginx\n/proc/2/comm:nginx-prometheu\n/proc/3/comm:openresty\n/proc/x/comm:nginx\njunk')).toEqual([1, 3]);
  });

  test('a title ends before the NULs that nginx leaves', () => {
    expect(parseCommandLine('nginx: worker process\0\0\0\0').title).toBe('nginx: worker process');
    expect(parseCommandLine('nginx\0-c\0/a b\0')).toEqual({ title: 'nginx -c /a b', arguments: ['nginx', '-c', '/a b'] });
    expect(parseCommandLine(`nginx${'\0 '.repeat(1 << 20)}x`).title.length).toBeLessThan(1 << 16);
  });

  test('junk in every answer makes unknown facts or none', async () => {
    for (const text of ['', '\0\0', '/proc/1/comm:nginx\n', 'Pid:\tx\n', '{"__proto__":1}']) {
      const fact = await read(async () => ({ ok: true, text, stderr: text }));
      if (fact.ok) expect(fact.value).toEqual({ masters: [], elsewhere: [] });
    }
    expect(await read(async () => ({ ok: false, why: 'gone' }))).toMatchObject({ ok: false, why: expect.stringContaining('gone') });
  });
});
