import { spawnSync } from 'node:child_process';
import { parseAnswer } from '../../../src/facts/kernel-routes.js';
import { familyOf } from '../../../src/net/address.js';
import { questionArguments } from '../../../src/path/questions.js';
import type { Family, Reply, RouteAnswer, RouteQuestion } from '../../../src/types.js';

/** The kernel's answers in the order of the questions, from one `ip` for each family; undefined where it said nothing of routing. */
export function askKernel(namespace: string, questions: readonly RouteQuestion[]): (RouteAnswer | undefined)[] {
  const answers = new Map<RouteQuestion, RouteAnswer | undefined>();
  for (const family of [4, 6] as const) {
    const asked = questions.filter(({ to }) => familyOf(to) === family);
    const replies = askFamily(namespace, family, asked);
    for (const [index, question] of asked.entries()) answers.set(question, replies[index] && parseAnswer(replies[index], question));
  }
  return questions.map((question) => answers.get(question));
}

/** With -force `ip` goes on after a failure and names its line on stderr; what it could answer stands on stdout in order. */
function askFamily(namespace: string, family: Family, questions: readonly RouteQuestion[]): Reply[] {
  const input = questions
    .map(
      (question) =>
        `${questionArguments(question)
          .filter((word) => word !== '-6')
          .join(' ')}\n`,
    )
    .join('');
  const { stdout, stderr } = spawnSync('ip', ['-n', namespace, `-${family}`, '-j', '-force', '-batch', '-'], { input, encoding: 'utf8' });
  const failures = new Map([...stderr.matchAll(/^(.*)\nCommand failed -:(\d+)$/gm)].map(([, why = '', line]) => [Number(line), why]));
  const found = stdout.split('\n').filter((line) => line.trim() !== '');
  return questions.map((_, index): Reply => {
    const why = failures.get(index + 1);
    return why === undefined ? { ok: true, text: found.shift() ?? '', stderr: '' } : { ok: false, why };
  });
}
