import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dir, edit, reportOf, run, scriptFor, surroundings, thisMachine } from './script-kit.js';

describe('an edit', () => {
  const conf = () => join(dir, 'nginx.conf');

  it('stops where the line is not what it was, and changes nothing', () => {
    writeFileSync(conf(), 'proxy_bind $remote_addr;\n');
    const script = scriptFor(reportOf([edit(conf(), 1, '$remote_addr', '$remote_addr transparent')]));
    for (const now of ['proxy_bind off;\n', 'proxy_bind $remote_addr; # mine\n', ' proxy_bind $remote_addr;\n', '']) {
      writeFileSync(conf(), now);
      const { code, err } = script.sh('apply');
      expect(code).toBe(1);
      expect(err).toContain('differs');
      expect(readFileSync(conf(), 'utf8')).toBe(now);
      expect(surroundings()).toEqual(['nginx.conf']);
    }
    rmSync(conf());
    expect(script.sh('apply').err).toContain('there is no file');
  });

  it('tells numbers that are equal from texts that are', () => {
    writeFileSync(conf(), '1.0\n');
    const script = scriptFor(reportOf([edit(conf(), 1, '1.0', '2')]));
    writeFileSync(conf(), '1\n');
    expect(script.sh('apply').code).toBe(1);
  });

  it('is not taken back where the file has changed since', () => {
    writeFileSync(conf(), 'a;\n');
    const script = scriptFor(reportOf([edit(conf(), 1, 'a', 'b')]));
    expect(script.sh('apply').code).toBe(0);
    writeFileSync(conf(), 'b;\nmine;\n');
    const { code, err } = script.sh('undo');
    expect(code).toBe(1);
    expect(err).toContain('not as this script left it');
    expect(readFileSync(conf(), 'utf8')).toBe('b;\nmine;\n');
  });

  it('keeps links, owner and mode, and its copy where nginx includes none', () => {
    writeFileSync(join(dir, 'real'), 'a;\n');
    chmodSync(join(dir, 'real'), 0o640);
    symlinkSync('real', conf());
    const script = scriptFor(reportOf([edit(conf(), 1, 'a', 'b')]));
    expect(script.sh('apply').code).toBe(0);
    expect(lstatSync(conf()).isSymbolicLink()).toBe(true);
    expect(statSync(conf()).mode & 0o777).toBe(0o640);
    expect(readFileSync(join(dir, 'real'), 'utf8')).toBe('b;\n');
    const matched = execFileSync('sh', ['-c', 'ls *'], { cwd: dir, encoding: 'utf8' }).split('\n').filter(Boolean);
    expect(matched).toEqual(['nginx.conf', 'proxy.sh', 'proxy.sh.done', 'real']);
  });

  it('is told by what earlier edits leave', () => {
    writeFileSync(conf(), 'one;\ntwo;\n');
    const script = scriptFor(reportOf([edit(conf(), 2, null, 'between;'), edit(conf(), 3, 'two', 'three'), edit(conf(), 1, 'one;', '')]));
    expect(script.sh('apply').code).toBe(0);
    expect(readFileSync(conf(), 'utf8')).toBe('\nbetween;\nthree;\n');
    expect(script.sh('undo').code).toBe(0);
    expect(readFileSync(conf(), 'utf8')).toBe('one;\ntwo;\n');
  });

  it.each([
    ['a new line in what is put in', 'a;\n', 1, 'a', 'b;\nc'],
    ['a control character on the line', 'a;\x1b[2J\n', 1, 'a', 'b'],
    ['text that reads another way than it is', 'a;\u202e\n', 1, 'a', 'b'],
    ['bytes that are no text', 'a;\ufffd\n', 1, 'a', 'b'],
    ['a carriage return', 'a;\r\n', 1, 'a', 'b'],
    ['a text that is not there', 'a;\n', 1, 'x', 'y'],
    ['a line that is not there', 'a;\n', 2, null, 'b'],
  ])('is left to a person: %s', (_, before, line, remove, insert) => {
    writeFileSync(conf(), before);
    const script = scriptFor(reportOf([edit(conf(), line, remove, insert), run(`touch ${dir}/made`)]));
    expect(script.text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ufffd]/);
    expect(script.sh().code).toBe(0);
    const { code, err } = script.sh('apply');
    expect(code).toBe(1);
    expect(err).toContain('by hand');
    expect(surroundings()).toEqual(['nginx.conf']);
    expect(script.sh('apply', '2').code, 'and goes on behind it').toBe(0);
    expect(surroundings()).toContain('made');
    expect(readFileSync(conf(), 'utf8')).toBe(before);
  });

  const word = fc.constantFrom(
    "'",
    '"',
    '\\',
    '`',
    '$(touch PWNED)',
    '$HOME',
    '&',
    '/',
    'END',
    '\t',
    ' ',
    '%s',
    '\\n',
    '\\1',
    ';',
    '*',
    '#',
    '!',
    '=',
    '~',
    'ä',
    '日',
    '0',
    '-n',
    '{',
    '}',
  );
  const line = fc.oneof(
    fc.array(word, { maxLength: 6 }).map((words) => words.join('')),
    fc.constantFrom('', 'END', 'END_', '1e3', '-', '\\', "it's", ' lead', 'trail '),
  );

  it('puts any text in place of any other, and undo brings back every byte', () => {
    const shells = [['dash'], ['busybox', 'sh'], ['bash', '--posix']];
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        line.filter((text) => text !== ''),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(...shells),
        (lines, at, text, inserts, ended, shell) => {
          const number = (at % lines.length) + 1;
          const old = lines[number - 1] ?? '';
          // Without a line there is nothing that an edit could be about.
          fc.pre(ended || lines.at(-1) !== '');
          const before = lines.join('\n') + (ended ? '\n' : '');
          writeFileSync(conf(), before);
          const script = scriptFor(reportOf([edit(conf(), number, inserts ? null : old, text)]), thisMachine, shell);
          expect(script.sh('apply')).toMatchObject({ code: 0, err: '' });
          const expected = [...lines];
          expected.splice(number - 1, 1, ...(inserts ? [text, old] : [text]));
          expect(readFileSync(conf(), 'utf8')).toBe(`${expected.join('\n')}\n`);
          expect(script.sh('undo')).toMatchObject({ code: 0, err: '' });
          expect(readFileSync(conf(), 'utf8')).toBe(before);
          expect(surroundings()).toEqual(['nginx.conf']);
        },
      ),
      { numRuns: 40 },
    );
  });
});
