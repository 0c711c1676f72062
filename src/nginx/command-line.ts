import { absolutePath } from './paths.js';

/** The options of a command line that say which files nginx uses. */
export interface NginxOptions {
  prefix?: string;
  configFile?: string;
  errorLog?: string;
  /** `-g`: directives outside the configuration file. */
  globalDirectives?: string;
  /** `-t`, `-T`, `-v`, `-V`, `-h` or `-s`: the process does one thing and ends. */
  oneShot: boolean;
}

const takesValue = 'pcegs';
const endsAtOnce = 'tTvVh?s';

/**
 * Reads nginx's options (ngx_get_options). The title of a master has lost the quotes of its arguments, so the value of `-g`, which has
 * spaces, reaches to the next word that looks like an option.
 */
export function parseOptions(words: readonly string[]): NginxOptions {
  const options: NginxOptions = { oneShot: false };
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (!word.startsWith('-')) continue;
    for (let j = 1; j < word.length; j++) {
      const flag = word[j] ?? '';
      if (endsAtOnce.includes(flag)) options.oneShot = true;
      if (!takesValue.includes(flag)) continue;
      const value = word.slice(j + 1) || words[++i] || '';
      if (flag === 'p') options.prefix = value;
      if (flag === 'c') options.configFile = value;
      if (flag === 'e') options.errorLog = value;
      if (flag === 'g') {
        const directives = [value];
        while (i + 1 < words.length && !/^-[a-zA-Z]/.test(words[i + 1] ?? '')) directives.push(words[++i] ?? '');
        options.globalDirectives = directives.join(' ');
      }
      break;
    }
  }
  return options;
}

/** The value of a `configure` argument such as `--prefix=/etc/nginx`, with or without quotes; undefined when absent. */
export function configureArgument(configureArguments: string, name: string): string | undefined {
  for (const [, quoted, plain] of configureArguments.matchAll(/(?:^|\s)'?(--[\w-]+=(?:'[^']*'|"[^"]*"|[^\s'"]*))|'[^']*'/g)) {
    const argument = quoted ?? plain ?? '';
    if (argument.startsWith(`${name}=`)) return argument.slice(name.length + 1).replace(/^(['"])(.*)\1$/, '$2');
  }
  return undefined;
}

/** Prefix and main file, absolute inside the master's root, from its options, what was built in, and its working directory. */
export function locateConfig(
  options: NginxOptions,
  configureArguments: string,
  workingDirectory: string,
): { prefix: string; configFile: string } {
  // A binary that could not be asked (another libc in a container) is most likely a package or image, and these use /etc/nginx.
  const [builtInPrefix, builtInFile] =
    configureArguments === '' ? ['/etc/nginx', '/etc/nginx/nginx.conf'] : ['/usr/local/nginx', 'conf/nginx.conf'];
  const prefix = options.prefix ?? configureArgument(configureArguments, '--prefix') ?? builtInPrefix;
  const configFile = options.configFile ?? configureArgument(configureArguments, '--conf-path') ?? builtInFile;
  const absolutePrefix = tidy(absolutePath(workingDirectory, prefix));
  return { prefix: absolutePrefix, configFile: absolutePath(absolutePrefix, configFile) };
}

/** Where the stream module lies when it was built to be loaded, inside the master's root; undefined when it was not. */
export function streamModulePath(configureArguments: string): string | undefined {
  if (!/(?:^|\s)--with-stream=dynamic(?:\s|$)/.test(configureArguments)) return undefined;
  const prefix = configureArgument(configureArguments, '--prefix') ?? '/usr/local/nginx';
  return absolutePath(absolutePath(prefix, configureArgument(configureArguments, '--modules-path') ?? 'modules'), 'ngx_stream_module.so');
}

/** Whether the stream module is part of the binary. NGINX Plus always has it. Undefined when the binary could not be asked. */
export function hasStreamBuiltIn(configureArguments: string): boolean | undefined {
  return configureArguments === '' ? undefined : /(?:^|\s)--(?:with-stream|build=nginx-plus\S*)(?:\s|$)/.test(configureArguments);
}

function tidy(path: string): string {
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}
