import { type Opinion, summarize } from '../../src/reasoning/hits.js';
import type { Check, ConfigFiles, NginxMaster } from '../../src/types.js';

/** Seconds: file times and process starts come from different clocks of the kernel. */
const tolerance = 0.5;

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

function judge({ files, main }: ConfigFiles, { pid, workers }: NginxMaster, host: string): Opinion {
  const oldest = Math.min(...workers.map(({ startedAt }) => startedAt));
  const newer = Object.entries(files).flatMap(([file, entry]) =>
    entry.ok && entry.modifiedAt > oldest + tolerance ? [{ file, late: entry.modifiedAt - oldest }] : [],
  );
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
