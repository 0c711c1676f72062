import { type Opinion, summarize } from '../../src/reasoning/hits.js';
import { newerFiles } from '../../src/reasoning/reload.js';
import type { Check, ConfigFiles, NginxMaster } from '../../src/types.js';

const check: Check<'nginx' | 'nginxConfig'> = {
  title: 'the workers run the configuration that is on disk',
  roles: ['proxy'],
  needs: ['nginx', 'nginxConfig'],
  why: 'Everything said about the configuration is about the files. Workers that are older than a file still run what was there before.',
  fix: 'Reload this master: its own binary with -p, -c and -s reload; the error log tells whether it took the configuration.',
  run: ({ nginx, nginxConfig }, { host }) =>
    nginxConfig.flatMap((config) => {
      const master = nginx.masters.find(({ pid }) => pid === config.master);
      return master && master.workers.length > 0 ? summarize([judge(config, master, host)]) : [];
    }),
};

function judge(config: ConfigFiles, master: NginxMaster, host: string): Opinion {
  const { main } = config;
  const { pid } = master;
  const newer = newerFiles(config, master);
  if (newer.length === 0) return { status: 'pass', message: `no file of ${main} is newer than the workers of master ${pid}` };
  const evidence = newer.map(({ file, late }) => ({
    host,
    what: `modified ${late.toFixed(1)} s after the oldest worker of master ${pid} started`,
    source: file,
  }));
  return {
    status: 'warn',
    message: `${newer
      .map(({ file }) => file)
      .slice(0, 3)
      .join(', ')} changed after the workers of master ${pid} started`,
    evidence,
  };
}

export default check;
