import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainSsh } from '../../src/host/ssh/complaints.js';
import { configuration } from '../../src/host/ssh/configuration.js';
import { destinationWords, parseDestination, type SshTarget, textOf } from '../../src/host/ssh/destination.js';
import { remoteCommand } from '../../src/host/ssh/remote-command.js';
import { turns } from '../../src/host/ssh/turns.js';

const parsed = (text: string): SshTarget | undefined => {
  const target = parseDestination(text);
  return 'error' in target ? undefined : target;
};

describe('a destination', () => {
  it('is read back from what it is printed as', () => {
    const user = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._+-]{0,20}$/), { nil: undefined });
    const host = fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,40}$/),
      fc.ipV4(),
      fc.ipV6().filter((text) => text.length <= 45),
    );
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
    fc.assert(
      fc.property(user, host, port, (name, place, number) => {
        const target: SshTarget = {
          kind: 'ssh',
          host: place,
          ...(name === undefined ? {} : { user: name }),
          ...(number === undefined ? {} : { port: number }),
        };
        expect(parsed(textOf(target))).toEqual(target);
      }),
    );
  });

  it('is never an option, whatever was typed', () => {
    const odd = fc.string({ unit: fc.constantFrom('-', 'o', '=', '@', ':', '[', ']', '%', '$', '(', '`', ' ', '\n', '/', '.', '1', 'a') });
    fc.assert(
      fc.property(odd, (text) => {
        const target = parsed(`ssh://${text}`);
        if (target === undefined) return;
        const words = destinationWords(target);
        const values = words.filter((word) => !['-l', '-p', '--'].includes(word));
        expect(values.filter((word) => !/^[A-Za-z0-9_:][A-Za-z0-9._+:%-]*$/.test(word))).toEqual([]);
        expect(words.slice(-2)).toEqual(['--', target.host]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the command for a login shell', () => {
  it('has nothing that shells read differently, and hands every word on as it is', () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        const command = remoteCommand(['printf', '<%s>', ...words]);
        expect(command).toMatch(/^exec sh -c '[^'!\n]*'$/);
        expect(execFileSync('sh', ['-c', command]).toString()).toBe(words.length === 0 ? '<>' : words.map((text) => `<${text}>`).join(''));
      }),
      { numRuns: 60 },
    );
  });
});

describe('what ssh says', () => {
  const target: SshTarget = { kind: 'ssh', host: 'web' };

  it('is one line of bounded length, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 4000 }), (said) => {
        const told = explainSsh(target, said);
        expect(told.split('\n')).toHaveLength(1);
        expect(told.length).toBeLessThan(1000);
      }),
    );
  });

  it('is read in no time, however it repeats itself', () => {
    const hard = ["Permissions 1 for 'a' are too open\n", 'Offending x key in y\n', 'No \n', 'sudo:', 'Host key for '];
    const started = performance.now();
    for (const line of hard) explainSsh(target, line.repeat(4000 / line.length));
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('the configuration', () => {
  it('puts our terms before those of the user, who cannot take them back', () => {
    const lines = configuration({ connectSeconds: 5, config: '/home/jo/my config' }).split('\n');
    const include = lines.indexOf('Include "/home/jo/my config"');
    expect(include).toBeGreaterThan(0);
    for (const term of ['BatchMode yes', 'StrictHostKeyChecking yes', 'UpdateHostKeys no', 'ForwardAgent no', 'PermitLocalCommand no'])
      expect(lines.slice(0, include)).toContain(term);
  });
});

describe('turns', () => {
  it('are taken by so many at a time, and by all in the end, also after a failure', async () => {
    const inTurn = turns(3);
    let [running, most] = [0, 0];
    const act = async (n: number): Promise<number> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      if (n === 4) throw new Error('on purpose');
      return n;
    };
    const ended = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => inTurn(() => act(n))));
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(9);
    expect(most).toBe(3);
  });
});
