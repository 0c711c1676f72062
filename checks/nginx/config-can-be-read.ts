import { parseConfig } from '../../src/nginx/parse.js';
import { type Opinion, summarize } from '../../src/reasoning/hits.js';
import type { Check, ConfigProblem } from '../../src/types.js';

const check: Check<'nginxConfig'> = {
  title: 'the configuration on disk can be read and is valid',
  roles: ['client', 'proxy', 'router', 'upstream'],
  needs: ['nginxConfig'],
  why: 'What cannot be read may hold a service or a proxy_bind that this report then does not know. What nginx would reject does not disturb the running workers, but the next reload or start fails.',
  fix: 'Mend the line that is named; run as root where a file could not be read.',
  run: ({ nginxConfig }, { host }) =>
    nginxConfig.flatMap((config) => {
      const { problems } = parseConfig(config);
      const fine: Opinion = { status: 'pass', message: `${config.main} and its includes are read`, evidence: [] };
      return summarize(problems.length > 0 ? problems.map((problem) => judge(problem, host)) : [fine]);
    }),
};

function judge({ at, message, kind }: ConfigProblem, host: string): Opinion {
  const evidence = [{ host, what: message, source: `${at.file}:${at.line}` }];
  if (kind === 'unread') return { status: 'unknown', message: `${at.file}:${at.line} could not be read: ${message}`, evidence };
  return { status: 'warn', message: `nginx would reject ${at.file}:${at.line}: ${message}`, evidence };
}

export default check;
