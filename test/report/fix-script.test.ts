import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileNames } from '../../src/report/fix-script/names.js';
import { type FixScript, fixScripts, type ScriptHost } from '../../src/report/fix-script.js';
import type { FixStep, Report } from '../../src/types.js';
import { attack, faulty } from './samples.js';
import { dir, edit, reportOf, run, scriptFor, surroundings, thisMachine } from './script-kit.js';

describe('scripts', () => {
  const twoHosts: Report = {
    ...faulty,
    diagnoses: faulty.diagnoses.map((diagnosis, i) =>
      i === 0
        ? {
            ...diagnosis,
            fix: [
              ...diagnosis.fix,
              { host: 'app1', kind: 'command', run: 'ip route replace default via 172.16.0.1', why: 'replies then pass nginx' },
            ],
          }
        : diagnosis,
    ),
  };
  const conf = `${'#\n'.repeat(4)}    keepalive 32;\n${'#\n'.repeat(9)}        proxy_pass http://shop;\n#\n`;
  const known = new Map<string, ScriptHost>([
    [
      'proxy',
      { addresses: ['192.168.99.10', 'fd00:99::10'], textOf: (file) => (file === '/etc/nginx/conf.d/shop.conf' ? conf : undefined) },
    ],
  ]);
  const scripts = fixScripts(twoHosts, known);

  it.each(['proxy', 'app1'])('read as they did: %s', async (host) => {
    await expect(scripts.find((each) => each.host === host)?.text).toMatchFileSnapshot(`fixtures/fix-script-${host}.txt`);
  });

  it('are written for hosts with a fault in the order of curing, and leave risks out', () => {
    expect(scripts.map(({ host, file }) => [host, file])).toEqual([
      ['proxy', 'proxy.sh'],
      ['app1', 'app1.sh'],
    ]);
    expect(scripts[0]?.text).not.toContain('udp_early_demux=0');
    expect(fixScripts({ ...faulty, diagnoses: faulty.diagnoses.filter(({ severity }) => severity === 'risk') }, known)).toEqual([]);
  });

  it('are POSIX sh that shellcheck has nothing to say about', () => {
    for (const { file, text } of scripts) {
      writeFileSync(join(dir, file), text);
      const { status, stdout } = spawnSync('shellcheck', ['--shell=sh', join(dir, file)], { encoding: 'utf8' });
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    }
  });
});

describe('a script', () => {
  it('without an argument, or with show, changes nothing', () => {
    const conf = join(dir, 'a.conf');
    writeFileSync(conf, 'a;\n');
    const script = scriptFor(reportOf([edit(conf, 1, 'a', 'b'), run(`touch ${dir}/made`)]));
    for (const args of [[], ['show']]) {
      const { code, out } = script.sh(...args);
      expect(code).toBe(0);
      expect(out).toMatch(/- a;\n.*\+ b;\n.*\n.*touch/);
    }
    expect(surroundings()).toEqual(['a.conf']);
    expect(readFileSync(conf, 'utf8')).toBe('a;\n');
  });

  it.each([[['aply']], [['apply', 'x']], [['apply', '']], [['undo', '1']], [['show', '1']], [['apply', '1', '2']]])(
    'refuses %j',
    (args) => {
      expect(scriptFor(reportOf([run('true')])).sh(...args).code).toBe(64);
    },
  );

  it('does its steps in order and takes them back in reverse', () => {
    const log = join(dir, 'log');
    const script = scriptFor(reportOf(['1', '2', '3'].map((n) => run(`echo do ${n} >> ${log}`, `echo undo ${n} >> ${log}`))));
    expect(script.sh('apply').code).toBe(0);
    expect(script.sh('apply').code, 'again, which does nothing').toBe(0);
    expect(script.sh('undo').code).toBe(0);
    expect(script.sh('undo').code, 'again, which does nothing').toBe(0);
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual(['do 1', 'do 2', 'do 3', 'undo 3', 'undo 2', 'undo 1']);
    expect(surroundings()).toEqual(['log']);
  });

  it('stops at a step that fails, and takes back just what was done', () => {
    const log = join(dir, 'log');
    const script = scriptFor(
      reportOf([run(`echo 1 >> ${log}`, `echo back 1 >> ${log}`), run(`false\necho 2 >> ${log}`, 'false'), run(`echo 3 >> ${log}`)]),
    );
    const applied = script.sh('apply');
    expect(applied.code).toBe(1);
    expect(applied.err).toContain('step 2 failed');
    expect(script.sh('undo').code).toBe(0);
    expect(readFileSync(log, 'utf8')).toBe('1\nback 1\n');
  });

  it('says what it cannot take back', () => {
    const script = scriptFor(reportOf([run('true')]));
    expect(script.sh('apply').code).toBe(0);
    const { code, out } = script.sh('undo');
    expect(code).toBe(1);
    expect(out).toContain('step 1 cannot be taken back');
  });

  it('says that nginx needs no undo where it was only started or reloaded', () => {
    const master = spawn('sleep', ['60']);
    const script = scriptFor(reportOf([run('true -s reload'), run(`kill -QUIT ${master.pid}; true`)]));
    expect(script.sh('apply').code).toBe(0);
    const { code, out } = script.sh('undo');
    expect(code).toBe(0);
    expect(out).toMatch(/step 2 needs no undo.*\nstep 1 needs no undo/);
  });

  it('takes the rest back where nginx refuses the old files as it did before', () => {
    const [conf, log] = [join(dir, 'a.conf'), join(dir, 'log')];
    writeFileSync(conf, 'bad;\n');
    const first = run('true', `echo back >> ${log}`);
    const script = scriptFor(
      reportOf([first, edit(conf, 1, 'bad', 'good'), run(`grep -q good ${conf} && true -s reload`), run('true', 'true')]),
    );
    expect(script.sh('apply').code).toBe(0);
    const { code, err } = script.sh('undo');
    expect(code).toBe(1);
    expect(err).toContain('but this failed');
    expect([readFileSync(conf, 'utf8'), readFileSync(log, 'utf8')]).toEqual(['bad;\n', 'back\n']);
  });

  it('reloads after the edits, and again after they are taken back', () => {
    const [conf, log] = [join(dir, 'a.conf'), join(dir, 'log')];
    writeFileSync(conf, 'one;\ntwo;\n');
    const reload = run(`cat ${conf} >> ${log}; true -s reload`);
    const script = scriptFor(reportOf([edit(conf, 1, 'one', '1'), edit(conf, 2, 'two', '2'), reload]));
    expect(script.sh('apply').code).toBe(0);
    expect(script.sh('undo').code).toBe(0);
    expect(readFileSync(log, 'utf8')).toBe('1;\n2;\none;\ntwo;\n');
  });

  it('is refused on another host and leaves no trace there', () => {
    const script = scriptFor(reportOf([run(`touch ${dir}/made`)]), { ...thisMachine, addresses: ['192.0.2.77', '2001:db8::77'] });
    expect(script.sh().code).toBe(0);
    const { code, err } = script.sh('apply');
    expect(code).toBe(1);
    expect(err).toContain('another host');
    expect(surroundings()).toEqual([]);
    const here = scriptFor(reportOf([run(`touch ${dir}/made`)]), { ...thisMachine, addresses: ['192.0.2.77', '127.0.0.1'] });
    expect(here.sh('apply').code).toBe(0);
  });

  it('stops where a sysctl is no longer what it was', () => {
    const key = 'net.ipv4.tcp_syn_retries';
    const value = Number(readFileSync('/proc/sys/net/ipv4/tcp_syn_retries', 'utf8'));
    const script = scriptFor(reportOf([run(`sysctl -w ${key}=${value + 2}`, `sysctl -w ${key}=${value + 1}`)]));
    const { code, err } = script.sh('apply');
    expect(code).toBe(1);
    expect(err).toContain(`${key} is no longer ${value + 1} but ${value}`);
    expect(Number(readFileSync('/proc/sys/net/ipv4/tcp_syn_retries', 'utf8'))).toBe(value);
  });
});

describe('text from hosts', () => {
  const payload = (n: number) =>
    `x\ntouch PWNED${n}\n'; touch PWNED${n}; '\nEND\ntouch PWNED${n}\n$(touch PWNED${n}) \`touch PWNED${n}\` ${attack}`;

  it('is never carried out, wherever in a diagnosis it stands', () => {
    const step: FixStep = { ...run('true', 'true'), why: payload(1), persist: payload(2) } as FixStep;
    const hand = edit(payload(3), 1, payload(4), payload(5));
    const report = reportOf([step, hand], { summary: payload(6), verify: [payload(7)], cause: payload(8) });
    const script = scriptFor({ ...report, startedAt: payload(9), tool: { name: 'tpdoctor', version: payload(9) } });
    expect(script.text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]/);
    for (const args of [[], ['apply'], ['undo']]) script.sh(...args);
    expect(surroundings()).toEqual([]);
  });

  it('does not become a command that cannot be shown', () => {
    const script = scriptFor(reportOf([run(`touch ${dir}/made \x1b[1A`)]));
    expect(script.sh('apply').err).toContain('by hand');
    expect(surroundings()).toEqual([]);
  });

  it('as a host name gives a file name that stays in its directory', () => {
    const names = fileNames(['../../etc/passwd', '.bashrc', '-rf', 'a b', 'A_b', '', 'ok', '\u202e', 'x'.repeat(300)]);
    for (const name of names.values()) expect(name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,70}\.sh$/);
    const folded = [...names.values()].map((name) => name.toLowerCase());
    expect(new Set(folded).size).toBe(folded.length);
    expect(names.get('ok')).toBe('ok.sh');
  });

  it('as the name of a host that has a script, too', () => {
    const host = `evil'$(touch PWNED)\ntouch PWNED`;
    const [script]: FixScript[] = fixScripts(reportOf([{ ...run('true'), host }]), new Map());
    writeFileSync(join(dir, 'proxy.sh'), script?.text ?? '');
    spawnSync('sh', ['proxy.sh'], { cwd: dir });
    spawnSync('sh', ['proxy.sh', 'apply'], { cwd: dir });
    expect(surroundings()).toEqual(['proxy.sh.done']);
  });
});
